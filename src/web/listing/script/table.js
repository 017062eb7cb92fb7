// The table of entries: local times, sorting, and bringing rows into an order.
// Rows come from the server in the order of names, directories first; that order is kept as `order`.

const listing = document.getElementById("listing");
let sorted = { column: "name", direction: "ascending" };

// The data of a row. It is read once, before the row shows times in the reader's time zone.
function measure(row, order) {
  const [name, size, time] = row.cells;
  row.order = order;
  row.link = name.firstElementChild;
  row.kind = row.link.getAttribute("href").endsWith("/") ? 0 : 1;
  row.size = Number(size.firstElementChild?.value ?? 0);
  const [day, clock] = [time.firstChild, time.lastElementChild];
  row.time = Date.parse(`${day.data.trim()}T${clock.textContent}Z`);
  const date = new Date(row.time);
  const two = number => String(number).padStart(2, "0");
  day.data = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
  clock.textContent = `${two(date.getHours())}:${two(date.getMinutes())}`;
  time.title = date.toLocaleString();
  if (row.kind) size.title = `${row.size.toLocaleString()} ${row.size === 1 ? "byte" : "bytes"}`;
}

const measures = { name: row => row.order, size: row => row.size, time: row => row.time };

// Puts rows into the body in the order that is shown; a row that is in its place already is not touched.
function place(rows) {
  const of = measures[sorted.column];
  const sign = sorted.direction === "ascending" ? 1 : -1;
  rows.sort((a, b) => a.kind - b.kind || sign * (of(a) - of(b)) || a.order - b.order);
  const body = listing.querySelector("tbody");
  let next = body.firstElementChild;
  for (const row of rows) {
    if (row === next) next = row.nextElementSibling;
    else body.insertBefore(row, next);
  }
}

function sort(column, direction) {
  sorted = { column, direction };
  place(Array.from(listing.querySelector("tbody").rows));
  for (const head of listing.querySelectorAll("thead th")) {
    if (head.classList.contains(column)) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  }
}

// Makes a table that came from the server one that sorts.
function prepare() {
  const table = listing.querySelector("table");
  if (!table) return;
  Array.from(table.tBodies[0].rows).forEach(measure);
  table.querySelector(".zone").remove();
  for (const head of table.querySelectorAll("thead th")) {
    const column = head.className;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => {
      // The first click shows what is mostly looked for: the largest, the newest, the first by name.
      const first = column === "name" ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const again = sorted.column === column && sorted.direction === first;
      sort(column, again ? other : first);
    });
    head.append(button);
  }
  sort(sorted.column, sorted.direction);
}

prepare();
