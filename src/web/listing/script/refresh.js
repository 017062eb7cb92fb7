// Bringing the listing up to date after uploads, row by row: focus, selection and scroll position stay.

const stale = document.getElementById("stale");

const REST = 1000; // milliseconds at least from one refresh to the next
let isRefreshing = false;
let isRefreshDue = false;

// Asks for a refresh, which follows soon. A long listing is asked for less often: it may take a quarter of the time.
async function refresh() {
  isRefreshDue = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isRefreshDue) {
    isRefreshDue = false;
    const start = performance.now();
    await load();
    const rest = Math.max(REST, 3 * (performance.now() - start));
    await new Promise(resolve => setTimeout(resolve, rest));
  }
  isRefreshing = false;
}

async function load() {
  try {
    const response = await fetch("./", { cache: "no-store", headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("listing");
    if (!fresh) throw new Error("the response is not a listing");
    merge(fresh);
    stale.textContent = "";
  } catch (error) {
    stale.textContent = `The list below is not up to date (${error.message}). Reload the page to see all files.`;
  }
}

function merge(fresh) {
  const focused = document.activeElement;
  const [body, freshBody] = [listing.querySelector("tbody"), fresh.querySelector("tbody")];
  if (body && freshBody) {
    const table = body.parentElement;
    while (listing.firstElementChild !== table) listing.firstElementChild.remove();
    while (!fresh.firstElementChild.contains(freshBody)) table.before(fresh.firstElementChild);
    mergeRows(body, freshBody);
  } else {
    listing.replaceChildren(...fresh.childNodes);
    prepare();
  }
  if (document.activeElement === focused) return;
  const isGone = !focused.isConnected;
  (isGone ? listing : focused).focus({ preventScroll: true });
}

// Rows whose entry is the same stay what they are.
function mergeRows(body, freshBody) {
  const old = new Map(Array.from(body.rows, row => [row.link.getAttribute("href"), row]));
  const rows = Array.from(freshBody.rows, (fresh, order) => {
    measure(fresh, order);
    const href = fresh.link.getAttribute("href");
    const row = old.get(href);
    if (!row) return fresh;
    old.delete(href);
    row.order = order;
    if (row.size !== fresh.size || row.time !== fresh.time) {
      [row.size, row.time] = [fresh.size, fresh.time];
      while (row.cells.length > 1) row.lastElementChild.remove();
      row.append(...Array.from(fresh.cells).slice(1));
    }
    return row;
  });
  for (const gone of old.values()) gone.remove();
  place(rows);
}
