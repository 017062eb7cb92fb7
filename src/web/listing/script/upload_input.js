// Where files come from: the button and drag and drop.

const input = document.getElementById("files");

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
  for (const { file, isDirectory } of files) {
    const upload = makeRow(file);
    try {
      upload.target = "./" + encodeURIComponent(file.name);
    } catch {
      show(upload, "failed", "This name cannot be sent.");
      continue;
    }
    if (isDirectory) show(upload, "failed", "This is a directory. Only files can be uploaded.");
    else if (existing.has(file.name + "/")) show(upload, "failed", REASONS[409]);
    else if (existing.has(file.name)) showExisting(upload);
    else if (!("create" in section.dataset)) show(upload, "failed", REASONS[403]);
    else enqueue(upload, "create");
  }
}

document.getElementById("choose").addEventListener("click", () => input.click());
input.addEventListener("change", () => {
  add(Array.from(input.files, file => ({ file, isDirectory: false })));
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
  const files = dropped.map(item => ({
    file: item.getAsFile(),
    isDirectory: item.webkitGetAsEntry()?.isDirectory === true,
  }));
  add(files.filter(({ file }) => file));
});

section.hidden = false;
