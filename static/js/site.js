/** Comforts of every page; each page works without them. */

const menu = document.querySelector("[data-menu]");

if (menu) {
  const close = () => menu.removeAttribute("open");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      close();
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) close();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) close();
  });
}

// A second click while the first is on its way would send a form twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || !event.target.matches("form[method=post i]")) return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-busy", "true");
});

// The browser shows the old page again after "back": its buttons must work.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form [aria-busy=true]")) button.removeAttribute("aria-busy");
});

// Scrolled code is reachable by the keyboard.
for (const block of document.querySelectorAll(".prose pre")) {
  if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
}
