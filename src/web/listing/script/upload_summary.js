// How many uploads there are of each kind, and clearing the list of those that have ended.

const section = document.getElementById("upload");
const summary = document.getElementById("summary");
const clearFinished = document.getElementById("clear-finished");
const clearFailed = document.getElementById("clear-failed");

const SPOKEN = 500; // milliseconds at least between two summaries, since each may be read aloud
const NONE = { waiting: 0, sending: 0, done: 0, failed: 0, cancelled: 0 };
let counts = { ...NONE };
let isSummaryDue = false;
let lastSummary = -SPOKEN;

// An upload has gone from one state, or from none, to another.
function count(before, after) {
  if (before) counts[before] -= 1;
  counts[after] += 1;
  summarise();
}

function summarise() {
  if (isSummaryDue) return;
  isSummaryDue = true;
  setTimeout(() => {
    isSummaryDue = false;
    lastSummary = performance.now();
    const { done, failed, cancelled } = counts;
    const all = Object.values(counts).reduce((sum, number) => sum + number);
    summary.textContent = !all ? "" : `${done} of ${all} uploaded`
      + (failed ? `, ${failed} failed` : "")
      + (cancelled ? `, ${cancelled} cancelled` : "");
    clearFinished.classList.toggle("unavailable", !list.querySelector(".done, .cancelled"));
    clearFailed.classList.toggle("unavailable", !list.querySelector(".failed"));
    // A list that scrolls must be within reach of the keyboard.
    if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
    else list.removeAttribute("tabindex");
    follow();
  }, Math.max(0, lastSummary + SPOKEN - performance.now()));
}

// Takes rows out of the list. What they were is still counted until the list is empty.
function clear(selector) {
  // Nothing else comes under the pointer as the list gets shorter: the section keeps its height until the pointer leaves.
  if (section.matches(":hover")) section.style.minHeight = `${section.offsetHeight}px`;
  list.querySelectorAll(selector).forEach(item => item.remove());
  if (!list.firstElementChild) counts = { ...NONE };
  section.focus({ preventScroll: true });
  summarise();
}

section.addEventListener("pointerleave", () => { section.style.minHeight = ""; });
clearFinished.addEventListener("click", () => clear(".done, .cancelled"));
clearFailed.addEventListener("click", () => clear(".failed"));
