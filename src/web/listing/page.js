
"use strict";
(() => {
  // Sorting. Rows come from the server in the order of names, directories first; that order is kept as "name".
  const listing = document.getElementById("listing");
  let sorted = { column: "name", direction: "ascending" };

  const measures = {
    name: row => row.order,
    size: row => Number(row.querySelector("data")?.value ?? 0),
    time: row => Date.parse(row.querySelector("time").dateTime),
  };

  function sort(column, direction) {
    sorted = { column, direction };
    const sign = direction === "ascending" ? 1 : -1;
    const body = listing.querySelector("tbody");
    const entries = Array.from(body.rows, row => ({
      row,
      order: row.order,
      kind: row.querySelector("a.directory") ? 0 : 1,
      measure: measures[column](row),
    }));
    entries.sort((a, b) => a.kind - b.kind || sign * (a.measure - b.measure) || a.order - b.order);
    body.append(...entries.map(entry => entry.row));
    for (const head of listing.querySelectorAll("thead th")) {
      if (head.classList.contains(column)) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    }
  }

  // Times come in UTC; a reader wants their own.
  function localise(time) {
    const date = new Date(time.dateTime);
    const two = number => String(number).padStart(2, "0");
    time.firstChild.data = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
    time.querySelector(".clock").textContent = `${two(date.getHours())}:${two(date.getMinutes())}`;
    time.title = date.toLocaleString();
  }

  function prepare() {
    const table = listing.querySelector("table");
    if (!table) return;
    Array.from(table.tBodies[0].rows).forEach((row, order) => { row.order = order; });
    table.querySelectorAll("time").forEach(localise);
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

  // Uploading, where the server offers it.
  const section = document.getElementById("upload");
  if (!section) return;
  section.hidden = false;
  const input = document.getElementById("files");
  const list = document.getElementById("uploads");
  const summary = document.getElementById("progress");

  const LANES = 3; // of the six connections that a browser opens to one server
  const EXISTS = "A file with this name is already here.";
  const REASONS = {
    0: "The connection to the server was lost.",
    400: "The server does not accept this file or its name.",
    401: "You are not allowed to store files here.",
    403: "You are not allowed to store this file here.",
    404: "The server does not accept this name.",
    405: "The server does not take uploads.",
    408: "The server has waited too long for the file.",
    409: "A directory with this name is already here.",
    412: EXISTS,
    413: "The file is too large for this server.",
    507: "The server has no space left.",
  };

  const uploads = [];
  const waiting = [];
  let running = 0;

  function element(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function show(upload, state, text, action) {
    upload.state = state;
    upload.item.className = state;
    upload.status.textContent = text;
    upload.button.hidden = !action;
    if (action) {
      upload.button.textContent = action.label;
      upload.button.setAttribute("aria-label", `${action.label}: ${upload.file.name}`);
      upload.button.onclick = action.run;
    }
    const count = wanted => uploads.filter(other => other.state === wanted).length;
    const failed = count("failed");
    summary.textContent = `${count("done")} of ${uploads.length} uploaded` + (failed ? `, ${failed} not` : "");
  }

  function fail(upload, text, label, condition) {
    show(upload, "failed", text, label && { label, run: () => enqueue(upload, condition) });
  }

  function enqueue(upload, condition) {
    upload.condition = condition;
    upload.bar.value = 0;
    waiting.push(upload);
    show(upload, "waiting", "Waiting", { label: "Cancel", run: () => {
      waiting.splice(waiting.indexOf(upload), 1);
      fail(upload, "Cancelled.", "Try again", condition);
    } });
    next();
  }

  function next() {
    while (running < LANES && waiting.length) {
      running += 1;
      send(waiting.shift());
    }
  }

  function finish(upload, request) {
    const { status } = request;
    if (status >= 200 && status < 300) {
      upload.bar.value = 1;
      show(upload, "done", status === 201 ? "Stored" : "Replaced");
    } else if (status === 412) {
      fail(upload, EXISTS, "Replace", "replace");
    } else {
      const reason = REASONS[status] ?? `The server answered ${status} ${request.statusText}.`;
      fail(upload, reason, "Try again", upload.condition);
    }
    running -= 1;
    next();
    if (!running) refresh();
  }

  function send(upload) {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", event => {
      if (!event.lengthComputable || !event.total) return;
      const share = event.loaded / event.total;
      upload.bar.value = share;
      // All sent is not yet stored.
      upload.status.textContent = share < 1 ? `${Math.floor(share * 100)} %` : "Storing";
    });
    request.addEventListener("load", () => finish(upload, request));
    request.addEventListener("error", () => finish(upload, request));
    request.addEventListener("abort", () => {
      fail(upload, "Cancelled.", "Try again", upload.condition);
      running -= 1;
      next();
      if (!running) refresh();
    });
    request.open("PUT", upload.target);
    if (upload.condition === "create") request.setRequestHeader("If-None-Match", "*");
    show(upload, "sending", "0 %", { label: "Cancel", run: () => request.abort() });
    request.send(upload.file);
  }

  // The names in the listing; one that is not UTF-8 cannot be that of a file in a browser.
  function names() {
    const found = new Set();
    for (const link of listing.querySelectorAll("tbody a")) {
      try {
        found.add(decodeURIComponent(link.getAttribute("href").slice(2)));
      } catch {
        continue;
      }
    }
    return found;
  }

  function add(files) {
    const existing = names();
    for (const { file, directory } of files) {
      const upload = {
        file,
        item: element("li", "waiting"),
        status: element("span", "state"),
        bar: element("progress", ""),
        button: element("button", ""),
      };
      upload.bar.max = 1;
      upload.bar.value = 0;
      upload.bar.setAttribute("aria-label", file.name);
      upload.button.type = "button";
      upload.item.append(element("span", "name", file.name), upload.bar, upload.status, upload.button);
      uploads.push(upload);
      list.append(upload.item);
      try {
        upload.target = "./" + encodeURIComponent(file.name);
      } catch {
        fail(upload, "This name cannot be sent.");
        continue;
      }
      if (directory) fail(upload, "This is a directory. Only files can be uploaded.");
      else if (existing.has(file.name + "/")) fail(upload, REASONS[409]);
      else if (existing.has(file.name)) fail(upload, EXISTS, "Replace", "replace");
      else enqueue(upload, "create");
    }
  }

  async function refresh() {
    try {
      const answer = await fetch("./", { cache: "no-store", headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("listing");
      if (!fresh) throw new Error("the answer is not a listing");
      listing.replaceChildren(...fresh.childNodes);
      prepare();
    } catch (error) {
      summary.textContent += `. The list below is not up to date (${error.message}).`;
    }
  }

  document.getElementById("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add(Array.from(input.files, file => ({ file, directory: false })));
    input.value = ""; // so that the same file can be chosen again
  });

  const carriesFiles = event => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", event => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", event => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", event => {
    document.body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const dropped = Array.from(event.dataTransfer.items).filter(item => item.kind === "file");
    add(dropped.map(item => ({
      file: item.getAsFile(),
      directory: item.webkitGetAsEntry()?.isDirectory === true,
    })));
  });

  window.addEventListener("beforeunload", event => {
    if (running || waiting.length) event.preventDefault();
  });
})();
