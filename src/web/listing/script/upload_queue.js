// Sending: a few uploads at once, the others wait for their turn.

const LANES = 3; // of the six connections that a browser opens to one server
const EXISTS = "A file with this name already exists.";
const REASONS = {
  0: "The connection to the server was lost.",
  400: "The server does not accept this file or its name.",
  401: "You are not allowed to store files here.",
  403: "You are not allowed to store this file here.",
  404: "The server does not accept this name.",
  405: "The server does not take uploads.",
  408: "The upload took too long.",
  409: "A directory with this name already exists.",
  412: EXISTS,
  413: "The file is too large for this server.",
  503: "The server is busy.",
  507: "The server has no space left.",
};

const waiting = [];
let running = 0;

function again(upload, label, condition) {
  return { label, run: () => enqueue(upload, condition) };
}

// `condition` is "create", which never replaces a file, or "replace".
function enqueue(upload, condition) {
  upload.condition = condition;
  upload.bar.value = 0;
  upload.stop = () => {
    waiting.splice(waiting.indexOf(upload), 1);
    showCancelled(upload);
  };
  waiting.push(upload);
  show(upload, "waiting", "Waiting");
  next();
}

function showCancelled(upload) {
  show(upload, "cancelled", "Cancelled.", again(upload, "Try again", upload.condition));
}

function showExisting(upload) {
  if (!("replace" in section.dataset)) return show(upload, "failed", EXISTS);
  show(upload, "failed", EXISTS, again(upload, "Replace", "replace"));
}

function next() {
  while (running < LANES && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
}

function end() {
  running -= 1;
  next();
}

function finish(upload, { status, statusText }) {
  if (status >= 200 && status < 300) {
    upload.bar.value = 1;
    show(upload, "done", status === 201 ? "Stored" : "Replaced");
    refresh();
  } else if (status === 412) {
    showExisting(upload);
  } else {
    const reason = REASONS[status] ?? `The server answered ${status} ${statusText}`.trim() + ".";
    show(upload, "failed", reason, again(upload, "Try again", upload.condition));
  }
  end();
}

function send(upload) {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", event => {
    if (event.lengthComputable && event.total) showProgress(upload, event.loaded / event.total);
  });
  request.addEventListener("load", () => finish(upload, request));
  request.addEventListener("error", () => finish(upload, request));
  request.addEventListener("abort", () => {
    showCancelled(upload);
    refresh(); // it may have been stored already
    end();
  });
  request.open("PUT", upload.target);
  if (upload.condition === "create") request.setRequestHeader("If-None-Match", "*");
  upload.stop = () => request.abort();
  show(upload, "sending", "0%");
  request.send(upload.file);
}

window.addEventListener("beforeunload", event => {
  if (running || waiting.length) event.preventDefault();
});
