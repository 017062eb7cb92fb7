"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const INTERVAL = 2000;

  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1, notation: "compact" });
  const bytes = (value) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
    return `${value.toFixed(unit && value < 10 ? 1 : 0)} ${units[unit]}/s`;
  };
  const count = (value) => number.format(value);
  const rate = (value) => `${number.format(value)}/s`;
  const ofCounter = (name) => (sample, before) => {
    const seconds = sample.uptime_seconds - before.uptime_seconds;
    return seconds > 0 ? Math.max(0, sample[name] - before[name]) / seconds : 0;
  };
  const ofGauge = (name) => (sample) => sample[name];

  const PLOTS = [
    ["Requests", ofCounter("requests"), rate],
    ["Errors of the server (5xx)", ofCounter("server_errors"), rate],
    ["Sent", ofCounter("bytes_out"), bytes],
    ["Received", ofCounter("bytes_in"), bytes],
    ["Open connections", ofGauge("connections"), count],
    ["Connections in the queue", ofGauge("queued"), count],
    ["Busy workers", ofGauge("busy"), count],
    ["Blocked workers", ofGauge("blocked"), count],
  ];

  const make = ([title]) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const name = document.createElement("span");
    const output = document.createElement("output");
    const svg = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "polyline");
    name.textContent = title;
    svg.setAttribute("viewBox", "0 0 149 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(line);
    caption.append(name, output);
    figure.append(caption, svg);
    document.getElementById("plots").append(figure);
    return { line, output };
  };
  const views = PLOTS.map(make);

  const draw = (history) => {
    PLOTS.forEach(([, value, format], at) => {
      const values = history.slice(1).map((sample, before) => value(sample, history[before]));
      if (values.length === 0) return;
      const most = Math.max(...values);
      const top = most > 0 ? most : 1;
      const points = values.map((one, index) => {
        const x = 149 - (values.length - 1 - index);
        return `${x},${(98 - 94 * one / top).toFixed(1)}`;
      });
      views[at].line.setAttribute("points", points.join(" "));
      views[at].output.textContent = `${format(values[values.length - 1])} (at most ${format(most)})`;
    });
  };

  const state = document.getElementById("state");
  const say = (text, bad) => {
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("bad", bad);
  };

  const update = async () => {
    try {
      const response = await fetch("status", { headers: { Accept: "application/json" }, cache: "no-store" });
      const status = await response.json();
      draw(status.history);
      const full = status.log && status.log.full;
      if (status.draining) say(`Version ${status.version}, finishing its last requests`, true);
      else if (full) say(`Version ${status.version}, serving; the request log is full`, true);
      else say(`Version ${status.version}, serving`, false);
    } catch {
      say("The server does not respond", true);
    }
    setTimeout(update, INTERVAL);
  };
  update();
})();
