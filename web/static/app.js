// Everything works without this script. It makes quantities steppable, forms that are sent twice unlikely, the stock
// fresh, times local, and the curl line copyable.

const announcer = document.querySelector("[data-announce]");

/** Says something to people who listen to the page. */
function announce(text) {
  announcer.textContent = "";
  requestAnimationFrame(() => { announcer.textContent = text; });
}

// What the request before has done is said once more: a page that has just loaded is not always read from its top.
const notice = document.querySelector("[data-notice]:not(.wrong)");
if (notice) announce(notice.textContent.trim());

// A form that came back with problems is read from its summary.
document.querySelector("[data-summary]")?.focus();

// Quantities.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (!button) return;
  const input = button.parentElement.querySelector("input");
  if (button.dataset.step > 0) input.stepUp(); else input.stepDown();
  announce(input.value);
});

// A form is sent once. Its button stays disabled until the next page is there, or this one is shown again.
const sending = new Map();
document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (sending.has(form)) {
    event.preventDefault();
    return;
  }
  if (!form.dataset.once || !button || form.querySelectorAll("button:not([type=button])").length > 1 && !("place" in button.dataset)) return;
  sending.set(form, { button, text: button.textContent });
  button.setAttribute("aria-disabled", "true");
  if ("place" in button.dataset) button.textContent = form.dataset.once;
  announce(form.dataset.once);
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const { button, text } of sending.values()) {
    button.removeAttribute("aria-disabled");
    if ("place" in button.dataset) button.textContent = text;
  }
  sending.clear();
});

// Times in the reader's own zone.
const local = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = time.textContent;
  time.textContent = local.format(new Date(time.dateTime));
}

// The stock, as it is now.
const shown = new Map([...document.querySelectorAll("[data-availability]")].map((e) => [e.dataset.availability, e]));
const level = (n) => (n < 1 ? "out" : n <= 10 ? "low" : "good");
const words = (n) => ({ out: "Sold out", low: `${n} left`, good: "In stock" })[level(n)];

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch("/inventory", { credentials: "omit" });
  if (!answer.ok) return;
  const changes = [];
  for (const { category, code, name, available } of (await answer.json()).data) {
    const stock = shown.get(`${category}/${code}`);
    if (!stock || stock.textContent === words(available)) continue;
    stock.textContent = words(available);
    stock.dataset.level = level(available);
    const add = stock.closest("[data-product]")?.querySelector("[data-add]");
    if (add) add.disabled = available < 1;
    changes.push(`${name}: ${words(available)}`);
  }
  if (changes.length) announce(changes.join(". "));
}
if (shown.size) {
  const quietly = () => refresh().catch(() => {}); // the page is as good as it was
  setInterval(quietly, 15_000);
  document.addEventListener("visibilitychange", quietly);
}

// Copying.
for (const block of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = block.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      getSelection().selectAllChildren(block.querySelector("pre"));
      announce("Selected. Copy it with your keyboard.");
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}
