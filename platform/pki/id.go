package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxWorkload is the longest name of a workload: that of a DNS label, so that it can be a host's name too.
const maxWorkload = 63

// ID is the identity of a workload: spiffe://DOMAIN/WORKLOAD (SPIFFE ID; X509-SVID, section 2).
func ID(domain, workload string) string { return "spiffe://" + domain + "/" + workload }

// Workload is the inverse of [ID]: the workload that a text names in the domain. A workload is a-z, then up to 62 of
// a-z, 0-9 and -; a text that could be read in two ways, such as one with an escape or an empty query, names nobody.
// Nor does one with the name of callers that are no workloads; package rpc says who they are.
func Workload(domain, id string) (workload string, ok bool) {
	name, found := strings.CutPrefix(id, ID(domain, ""))
	if !found || !workloadName(name) {
		return "", false
	}
	return name, true
}

func workloadName(name string) bool {
	const letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789-"
	return name != "" && name != "operator" && name != "stranger" && len(name) <= maxWorkload &&
		strings.Contains(letters, name[:1]) && strings.Trim(name, letters+others) == ""
}

// uri is an identity as templates take it. A domain's own ID has no path (X509-SVID, section 3.1).
func uri(domain, workload string) *url.URL {
	if workload == "" {
		return &url.URL{Scheme: "spiffe", Host: domain}
	}
	return &url.URL{Scheme: "spiffe", Host: domain, Path: "/" + workload}
}

// onlyURI is the URI that is the only name in a certificate or a request. It reads the extension itself, because the
// parser of crypto/x509 passes over names of kinds that it does not know.
func onlyURI(extensions []pkix.Extension) (string, error) {
	const tagURI = 6 // RFC 5280, section 4.2.1.6
	var names []asn1.RawValue
	for _, extension := range extensions {
		if !isNames(extension) {
			continue
		}
		var more []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &more); err != nil || len(rest) > 0 {
			return "", errors.New("its names cannot be read")
		}
		names = append(names, more...)
	}
	switch {
	case len(names) == 0:
		return "", errors.New("it names no identity")
	case len(names) > 1:
		return "", fmt.Errorf("it has %d names, and an identity stands alone", len(names))
	case names[0].Class != asn1.ClassContextSpecific || names[0].Tag != tagURI:
		return "", errors.New("its name is not a URI")
	}
	return string(names[0].Bytes), nil
}

// isNames reports whether an extension is the subject alternative name.
func isNames(extension pkix.Extension) bool {
	return extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17})
}
