/**
 * The payment page: gets the payment's client secret, shows the card form of Stripe.js and confirms.
 *
 * The card's number never reaches us. Whatever goes wrong is said in words, with a way to go on: a second click, a
 * reload or the second tab find the same payment again.
 */

const form = document.querySelector("#pay-form");
const loading = document.querySelector("#pay-loading");
const problem = document.querySelector("#pay-problem");
const problemText = document.querySelector("#pay-problem-text");
const button = document.querySelector("#pay-button");
const retry = document.querySelector("#pay-retry");
const words = document.querySelector("#pay-words").dataset;

const DONE = new Set(["succeeded", "processing", "authorized"]);
const AGAIN = new Set(["provider_unavailable", "request_in_progress", "database_unavailable", "rate_limited"]);

let stripe;
let elements;

function say(text, { again = false } = {}) {
  loading.hidden = true;
  problemText.textContent = text;
  problem.hidden = false;
  problem.focus();
  retry.hidden = !again;
}

function busy(yes) {
  button.disabled = yes;
  button.setAttribute("aria-busy", String(yes));
}

function leave() {
  window.location.assign(form.dataset.returnUrl);
}

function explain(refusal) {
  const text = words[refusal.code] || (refusal.code === "provider_unavailable" ? words.provider : words.unknown);
  say(text, { again: AGAIN.has(refusal.code) });
}

async function begin() {
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const response = await fetch(form.action, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" } });
  const body = await response.json();
  if (response.ok) return body;
  if (body.code === "already_paid") {
    leave();
    return null;
  }
  explain(body);
  return null;
}

async function load() {
  form.hidden = false;
  loading.hidden = false;
  problem.hidden = true;
  retry.hidden = true;
  if (!window.Stripe) {
    say(words.script, { again: true });
    return;
  }
  let payment;
  try {
    payment = await begin();
  } catch {
    say(words.unreachable, { again: true });
    return;
  }
  if (!payment) return;
  if (DONE.has(payment.status)) {
    leave();
    return;
  }
  show(payment);
}

function show(payment) {
  stripe = window.Stripe(payment.next_action.publishable_key);
  elements = stripe.elements({ clientSecret: payment.client_secret });
  const element = elements.create("payment");
  element.on("ready", () => {
    loading.hidden = true;
    busy(false);
  });
  element.on("loaderror", () => say(words.script, { again: true }));
  element.mount("#payment-element");
}

async function confirm() {
  busy(true);
  problem.hidden = true;
  const checked = await elements.submit();
  const result = checked.error ? checked : await stripe.confirmPayment({
    elements,
    confirmParams: { return_url: form.dataset.returnUrl },
    redirect: "if_required",
  });
  if (!result.error) {
    leave();
    return;
  }
  const unexpected = result.error.code === "payment_intent_unexpected_state";
  if (unexpected) {
    leave(); // paid or given up in another tab: the next page knows
    return;
  }
  busy(false);
  say(result.error.message || words.refused);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!button.disabled) confirm().catch(() => { busy(false); say(words.unreachable); });
});

retry.addEventListener("click", () => {
  if (window.Stripe) load();
  else window.location.reload();
});

document.addEventListener("countdown:over", () => {
  button.disabled = true;
  document.querySelector("#hold-over").hidden = false;
});

load();
