/** Waits for a payment that is on its way, asking ever more slowly; then the server says in words what became of it. */

const waiting = document.querySelector("#waiting");
const SETTLED = new Set(["succeeded", "canceled", "failed"]);
const FIRST_MS = 700;
const MOST_MS = 15000;
const MOST_TRIES = 60;

const PATIENCE_MS = 30000; // after that the provider is asked, should its message to us be lost
const began = performance.now();

async function ask() {
  const query = performance.now() - began > PATIENCE_MS ? "?look=1" : "";
  const response = await fetch(waiting.dataset.statusUrl + query, { headers: { Accept: "application/json" } });
  if (!response.ok) return false;
  const payment = await response.json();
  return SETTLED.has(payment.status) || Boolean(payment.last_error);
}

function wait(tries, pause) {
  if (tries === MOST_TRIES) return;
  window.setTimeout(async () => {
    const settled = await ask().catch(() => false);
    if (settled) window.location.reload();
    else wait(tries + 1, Math.min(pause * 1.4, MOST_MS));
  }, pause);
}

wait(0, FIRST_MS);
