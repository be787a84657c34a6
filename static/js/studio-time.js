/** Shows the studio's times in the reader's own zone beside the pickers of a schedule; without it the studio's stand. */

const place = document.querySelector("[data-studio-zone]");
const studio = place?.dataset.studioZone;
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Minutes by which the clocks of `zone` are ahead of UTC at an instant. */
function ahead(zone, instant) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(instant);
  const part = (type) => Number(parts.find((one) => one.type === type).value);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return Math.round((wall - instant.getTime()) / 60000);
}

/** The instant of a wall time of the studio. */
function instantOf(wall) {
  const asUtc = new Date(`${wall}Z`);
  const first = new Date(asUtc - ahead(studio, asUtc) * 60000);
  return new Date(asUtc - ahead(studio, first) * 60000);
}

function show(input) {
  const out = document.querySelector(`output[for="${input.id}"]`);
  if (!out) return;
  const instant = input.value ? instantOf(input.value) : null;
  const words = instant && !Number.isNaN(instant.getTime())
    ? new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short", timeZone: own }).format(instant) : "";
  out.textContent = words && `For you: ${words} (${own})`;
}

if (place && own) {
  const about = place.querySelector("[data-own-zone]");
  const now = new Date();
  const same = ahead(own, now) === ahead(studio, now);
  if (about) {
    about.textContent = same ? `Your clock shows the same (${own}).` : `Yours is ${own}.`;
    about.hidden = false;
  }
  for (const input of place.querySelectorAll("input[data-studio-time]")) {
    show(input);
    input.addEventListener("input", () => show(input));
  }
}
