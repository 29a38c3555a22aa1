package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/limits"
)

// admission is how often one request's sender may come: by its address before anything is verified, by its user after.
type admission struct {
	rates   *limits.Rates
	class   limits.Class
	address string // as [limits.AddressKey] has it
	claimed bool   // the request brings a credential
	proven  bool   // and it holds
}

type admissionKey struct{}

// admit refuses whoever comes too often, which costs next to nothing: no credential has been verified yet.
func (g *gateway) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		route, request := routeOf(c), c.Request()
		a := &admission{rates: g.Rates, class: route.class, address: limits.AddressKey(request.RemoteAddr), claimed: route.claims(request)}
		if refused := a.enter(); refused != nil {
			return tooOften(refused)
		}
		c.SetRequest(request.WithContext(context.WithValue(request.Context(), admissionKey{}, a)))
		defer func() { a.leave(err) }()
		return next(c)
	}
}

func (a *admission) enter() *limits.Refusal {
	if a.claimed {
		return a.rates.MayProve(a.class, a.address)
	}
	return a.rates.Address(a.class, a.address)
}

// leave counts a credential that proved nothing; where nobody could be asked about it, it may have been a good one.
func (a *admission) leave(err error) {
	code := fault.CodeOf(err)
	if a.claimed && !a.proven && code != fault.Unavailable && code != fault.DeadlineExceeded {
		a.rates.Unproven(a.class, a.address)
	}
}

// admitUser counts a request of a user who is proven. Requests without one have been counted by their address.
func admitUser(ctx context.Context, subject string) error {
	a, limited := ctx.Value(admissionKey{}).(*admission)
	if !limited || subject == "" {
		return nil
	}
	a.proven = true
	if err := limits.ShareFrom(ctx).For(subject); err != nil {
		return err
	}
	if refused := a.rates.User(a.class, subject); refused != nil {
		return tooOften(refused)
	}
	return nil
}

// claims says whether a request brings the credential that its route looks at.
func (r route) claims(request *http.Request) bool {
	switch r.credential {
	case bearer:
		return len(request.Header.Values("Authorization")) > 0
	case session:
		_, err := request.Cookie(sts.SessionCookie)
		return err == nil
	case none, theirs:
	}
	return false
}

// tooOftenError is a refusal that can say what would have been let in.
type tooOftenError struct {
	refused *limits.Refusal
	failure *fault.Error
}

func tooOften(refused *limits.Refusal) error {
	failure := fault.New(fault.RateLimited, "You send requests faster than they are served to one client. Wait as long as Retry-After says, then send fewer.")
	failure.RetryAfter = time.Duration(seconds(refused.RetryAfter)) * time.Second
	return &tooOftenError{refused, failure}
}

func (t *tooOftenError) Error() string { return t.failure.Error() }

func (t *tooOftenError) Unwrap() error { return t.failure }

// tellRate says it to programs (draft-ietf-httpapi-ratelimit-headers sections 3 and 4): a quota that is whole again after a
// window of some seconds, and that nothing of it is left for a while.
func tellRate(h http.Header, err error) {
	too, often := errors.AsType[*tooOftenError](err)
	if !often {
		return
	}
	policy := too.refused.Policy
	whole := time.Duration(float64(policy.Burst) / float64(policy.PerSecond) * float64(time.Second))
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", too.refused.Class, policy.Burst, seconds(whole)))
	h.Set("RateLimit", fmt.Sprintf("%q;r=0;t=%d", too.refused.Class, seconds(too.refused.RetryAfter)))
}

// seconds are whole ones, and at least one.
func seconds(d time.Duration) int64 { return max(1, int64(math.Ceil(d.Seconds()))) }
