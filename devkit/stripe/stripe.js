// Stand-in of Stripe.js: the part of its interface that a payment page with the Payment Element uses, without a card
// number. It is served by the Stripe twin, sets no style attribute and evaluates no text, so a strict CSP may stand.
(() => {
  "use strict";

  const API = new URL(document.currentScript.src).origin;

  const CHOICES = [
    ["pm_card_visa", "Pay"],
    ["pm_card_chargeDeclined", "Decline"],
    ["pm_card_chargeDeclinedInsufficientFunds", "Insufficient funds"],
    ["pm_card_authenticationRequired", "3-D Secure"],
    ["pm_twin_webhookLost", "Pay, lose the webhook"],
    ["pm_twin_webhookTwice", "Pay, send the webhook twice"],
  ];

  // :where() keeps the weight at zero, so that any rule of the host page wins.
  const STYLE = `
    :where(.stripe-twin) { border: 1px solid; border-radius: 0.5rem; margin: 0; padding: 0.75rem 1rem 1rem; min-inline-size: 0; }
    :where(.stripe-twin legend) { padding-inline: 0.25rem; font-weight: 600; }
    :where(.stripe-twin label) { display: flex; align-items: center; gap: 0.6rem; min-block-size: 2.75rem; cursor: pointer; }
    :where(.stripe-twin input) { inline-size: 1.1rem; block-size: 1.1rem; margin: 0; flex: none; }
    :where(.stripe-twin-dialog) { max-inline-size: min(24rem, 90vw); border: 1px solid; border-radius: 0.5rem; padding: 1.25rem;
      background: Canvas; color: CanvasText; font: inherit; }
    :where(.stripe-twin-dialog)::backdrop { background: rgb(0 0 0 / 0.5); }
    :where(.stripe-twin-dialog h2) { margin: 0 0 0.5rem; font-size: 1.25rem; }
    :where(.stripe-twin-dialog p) { margin: 0 0 1rem; }
    :where(.stripe-twin-actions) { display: flex; gap: 0.75rem; }
    :where(.stripe-twin-actions button) { min-block-size: 2.75rem; padding-inline: 1.25rem; font: inherit; cursor: pointer; }
  `;

  let styled = false;
  const addStyle = () => {
    if (styled) return;
    styled = true;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  };

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  const failure = (type, message, code) => ({ error: { type, message, ...(code && { code }) } });

  // Answers {body} or Stripe.js's {error}; never throws.
  const call = async (path, options) => {
    try {
      const response = await fetch(API + path, options);
      const body = await response.json();
      return response.ok ? { body } : { error: body.error };
    } catch {
      return failure("api_connection_error", "We could not reach the payment service. Please try again.");
    }
  };

  class PaymentElement {
    #node = null;
    #handlers = new Map();
    #name = `stripe-twin-${Math.random().toString(36).slice(2)}`;

    on(event, handler) {
      this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
      return this;
    }

    off(event, handler) {
      this.#handlers.set(event, (this.#handlers.get(event) ?? []).filter((known) => handler && known !== handler));
      return this;
    }

    #emit(event, detail = {}) {
      for (const handler of this.#handlers.get(event) ?? []) handler({ elementType: "payment", ...detail });
    }

    mount(target) {
      const host = typeof target === "string" ? document.querySelector(target) : target;
      if (!host) throw new Error(`There is no element to mount on: ${target}`);
      addStyle();
      this.#node = make("fieldset", { className: "stripe-twin" }, make("legend", {}, "Test payment"));
      for (const [value, label] of CHOICES) {
        const input = make("input", { type: "radio", name: this.#name, value, checked: value === CHOICES[0][0] });
        this.#node.append(make("label", {}, input, label));
      }
      this.#node.addEventListener("change", () => this.#changed());
      host.replaceChildren(this.#node);
      queueMicrotask(() => {
        this.#emit("ready");
        this.#changed();
      });
    }

    #changed() {
      this.#emit("change", { complete: true, empty: false, collapsed: false, value: { type: "card" } });
    }

    unmount() {
      this.#node?.remove();
      this.#node = null;
    }

    destroy() {
      this.unmount();
      this.#emit("destroy");
    }

    focus() {
      this.#node?.querySelector("input:checked")?.focus();
    }

    update() {}

    get choice() {
      return this.#node?.querySelector("input:checked")?.value ?? null;
    }
  }

  class Elements {
    #element = null;

    constructor(options) {
      this.clientSecret = options.clientSecret ?? null;
    }

    create(type) {
      if (type !== "payment") throw new Error(`The twin has the payment element only, not: ${type}`);
      this.#element = new PaymentElement();
      return this.#element;
    }

    getElement(type) {
      return type === "payment" ? this.#element : null;
    }

    async submit() {
      return {};
    }

    async fetchUpdates() {
      return {};
    }

    update() {}
  }

  // Resolves to "pass" or "fail"; closing the dialog with Escape is a failure.
  const challenge = () =>
    new Promise((resolve) => {
      addStyle();
      const complete = make("button", { type: "submit", value: "pass" }, "Complete");
      const fail = make("button", { type: "submit", value: "fail" }, "Fail");
      const form = make(
        "form",
        { method: "dialog" },
        make("h2", { id: "stripe-twin-title" }, "3-D Secure"),
        make("p", {}, "A real bank would ask here whether it is you who pays."),
        make("div", { className: "stripe-twin-actions" }, complete, fail),
      );
      const dialog = make("dialog", { className: "stripe-twin-dialog" }, form);
      dialog.setAttribute("aria-labelledby", "stripe-twin-title");
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "pass" ? "pass" : "fail");
      });
      document.body.append(dialog);
      dialog.showModal();
    });

  class TwinStripe {
    #headers;

    constructor(key) {
      this.#headers = { Authorization: `Bearer ${key}` };
    }

    elements(options = {}) {
      return new Elements(options);
    }

    async retrievePaymentIntent(clientSecret) {
      const query = new URLSearchParams({ client_secret: clientSecret });
      return this.#intent(await call(`${this.#path(clientSecret)}?${query}`, { headers: this.#headers }));
    }

    async confirmPayment({ elements, clientSecret, confirmParams = {}, redirect = "always" }) {
      const secret = clientSecret ?? elements?.clientSecret;
      const method = confirmParams.payment_method ?? elements?.getElement("payment")?.choice;
      if (!secret || !method) return failure("validation_error", "Mount a payment element and give it a client secret.");
      const form = new URLSearchParams({ client_secret: secret, payment_method: method });
      if (confirmParams.return_url) form.set("return_url", confirmParams.return_url);
      const confirmed = await call(`${this.#path(secret)}/confirm`, { method: "POST", headers: this.#headers, body: form });
      const result = confirmed.error ? confirmed : await this.#settle(confirmed.body);
      if (!result.error && redirect !== "if_required") return this.#leave(result.paymentIntent, confirmParams.return_url);
      return result;
    }

    async handleNextAction({ clientSecret }) {
      const found = await this.retrievePaymentIntent(clientSecret);
      return found.error ? found : this.#settle(found.paymentIntent);
    }

    // Goes through 3-D Secure when the intent asks for it.
    async #settle(intent) {
      if (intent.status !== "requires_action") return { paymentIntent: intent };
      const result = await call("/_3ds", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ client_secret: intent.client_secret, outcome: await challenge() }),
      });
      const authenticated = this.#intent(result);
      if (authenticated.paymentIntent?.status === "requires_payment_method") {
        return { error: { ...authenticated.paymentIntent.last_payment_error, payment_intent: authenticated.paymentIntent } };
      }
      return authenticated;
    }

    #intent({ body, error }) {
      return error ? { error } : { paymentIntent: body };
    }

    #path(clientSecret) {
      return `/v1/payment_intents/${encodeURIComponent(String(clientSecret).split("_secret_")[0])}`;
    }

    // The promise stays open, as in the real script: the page is on its way out.
    #leave(intent, returnUrl) {
      if (!returnUrl) return failure("invalid_request_error", "confirmParams.return_url is missing.", "parameter_missing");
      const target = new URL(returnUrl, document.baseURI);
      target.searchParams.set("payment_intent", intent.id);
      target.searchParams.set("payment_intent_client_secret", intent.client_secret);
      target.searchParams.set("redirect_status", intent.status === "succeeded" ? "succeeded" : "pending");
      window.location.assign(target);
      return new Promise(() => {});
    }
  }

  window.Stripe = (key) => {
    if (!/^pk_test_/.test(key ?? "")) throw new Error("The twin takes publishable test keys only: pk_test_…");
    return new TwinStripe(key);
  };
  window.Stripe.version = "twin";
})();
