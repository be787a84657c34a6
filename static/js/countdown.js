/**
 * Counts <time data-countdown datetime="…Z"> down to its instant.
 *
 * The server's words stay where there is no script. The clock of the visitor may be wrong, so the element may carry
 * `data-seconds`, the seconds that were left when the server answered; then only that is counted. When time is up the
 * element gets the class is-over and sends the event "countdown:over", which bubbles. Attribute `data-over` is the text then.
 */

const URGENT_SECONDS = 120;
const MINUTE = 60;
const HOUR = 3600;

function words(seconds) {
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / HOUR);
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds % MINUTE)}` : `${minutes}:${pad(seconds % MINUTE)}`;
}

function deadlineOf(element) {
  const given = Number.parseFloat(element.dataset.seconds);
  return Number.isFinite(given) ? performance.now() + given * 1000
    : performance.now() + (Date.parse(element.dateTime) - Date.now());
}

function start(element) {
  const deadline = deadlineOf(element);
  if (Number.isNaN(deadline)) return;
  const tick = () => {
    const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
    element.textContent = left ? words(left) : (element.dataset.over || words(0));
    element.classList.toggle("is-urgent", left > 0 && left <= URGENT_SECONDS);
    if (left) return;
    window.clearInterval(timer);
    element.classList.add("is-over");
    element.dispatchEvent(new CustomEvent("countdown:over", { bubbles: true }));
  };
  const timer = window.setInterval(tick, 1000);
  tick();
}

for (const element of document.querySelectorAll("time[data-countdown]")) start(element);
