/** Gives each rich-text editor the name of its field: the label belongs to the textarea that the editor hides. */

function name(root) {
  for (const editor of root.querySelectorAll(".prose-editor [contenteditable]:not([aria-label])")) {
    const label = editor.closest(".form-row")?.querySelector("label");
    if (label) editor.setAttribute("aria-label", label.textContent.trim().replace(/:$/, ""));
  }
}

const form = document.getElementById("content-main");
if (form) {
  name(form);
  new MutationObserver(() => name(form)).observe(form, { childList: true, subtree: true });
}
