// One upload in the list: its name, its bar, its state, and what can be done about it.
// Cancel stands at the end of the row and everything that starts an upload below its name. So a second click on Cancel
// starts nothing, and a refusal that comes in puts no Replace under the pointer.

const list = document.getElementById("uploads");

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(className, label, file) {
  const made = element("button", className, label);
  made.type = "button";
  made.setAttribute("aria-label", `${label}: ${file.name}`);
  return made;
}

// A new row at the end of the list; its upload has no state yet.
function makeRow(file) {
  const upload = {
    file,
    item: element("li", ""),
    bar: element("progress", ""),
    text: element("span", ""),
    cancel: button("cancel", "Cancel", file),
    state: null,
  };
  const state = element("span", "state");
  const name = element("span", "name", file.name);
  name.title = file.name;
  upload.item.tabIndex = -1;
  upload.bar.max = 1;
  upload.bar.setAttribute("aria-label", file.name);
  state.append(upload.text);
  upload.stateLine = state;
  upload.cancel.addEventListener("click", () => upload.stop());
  upload.item.append(name, upload.cancel, upload.bar, state);
  list.append(upload.item);
  return upload;
}

// Shows a state. A waiting or sending upload can be cancelled; another may have an action: { label, run }.
function show(upload, state, text, action) {
  const hadFocus = upload.item.contains(document.activeElement);
  count(upload.state, state);
  upload.state = state;
  upload.item.className = state;
  upload.text.textContent = text;
  upload.cancel.classList.toggle("unavailable", !isActive(upload));
  upload.stateLine.replaceChildren(upload.text);
  if (action) {
    const start = button("start", action.label, upload.file);
    start.addEventListener("click", action.run);
    upload.stateLine.append(start);
  }
  // The button that had it may be gone. The row takes it, not the next button: a key may be pressed twice, too.
  if (hadFocus && !upload.item.contains(document.activeElement.closest("button:not(.unavailable)"))) {
    upload.item.focus({ preventScroll: true });
  }
}

function isActive(upload) {
  return upload.state === "waiting" || upload.state === "sending";
}

// Shows how much is sent. All sent is not yet stored.
function showProgress(upload, share) {
  upload.bar.value = share;
  upload.text.textContent = share < 1 ? `${Math.floor(share * 100)}%` : "Storing";
}

// The list shows the first upload that is not done, unless the pointer or the focus is in the list: nothing may move
// away under a pointer. The position of a finger is not known.
function follow() {
  if (list.matches(":hover, :focus-within") || matchMedia("(hover: none)").matches) return;
  const item = list.querySelector(".sending, .waiting") ?? list.querySelector(".failed");
  if (item) list.scrollTop = item.offsetTop - list.offsetTop;
}
