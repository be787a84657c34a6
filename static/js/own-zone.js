/** Offers the picker's times in the visitor's own time zone; the page works in the studio's without it. */

const link = document.querySelector("a[data-own-zone]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = document.querySelector("input[name=zone]")?.value;

if (link && own && own !== shown) {
  const address = new URL(link.href);
  address.searchParams.set("zone", own);
  link.href = address;
  link.hidden = false;
}
