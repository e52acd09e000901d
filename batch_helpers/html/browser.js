"use strict";
// The table of all jobs: only the rows that are in sight exist. Texts of others go in as text, never as markup.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

unpacked(document.getElementById("data").textContent).then((data) => {
  const ROW = 24, MOST = 20, SPARE = 6;
  const byId = (id) => document.getElementById(id);
  const jobs = data.jobs, texts = data.texts, count = jobs.id.length;
  const all = Uint32Array.from({ length: count }, (_, place) => place);
  const lowered = jobs.name.map((name, place) => (name + " " + jobs.id[place]).toLowerCase());
  const runEnd = jobs.stopped.reduce((end, time, place) => Math.max(end, time ?? 0, jobs.created[place] ?? 0), 1);
  let shown = all, order = "created", down = false, chosen = -1;

  const text = (name, place) => texts[name][jobs[name][place]] ?? "";
  const waited = (place) => jobs.waited[place], ran = (place) => jobs.ran[place];
  const keys = { name: (p) => lowered[p], stage: (p) => text("stage", p), status: (p) => text("status", p),
    waited, ran, created: (p) => jobs.created[p] };

  function duration(seconds) {
    if (seconds === null) return "";
    if (seconds < 59.95) return seconds.toFixed(1) + " s";
    const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
    return minutes < 60 ? minutes + " min " + whole % 60 + " s" : Math.floor(minutes / 60) + " h " + minutes % 60 + " min";
  }

  function element(kind, content, name) {
    const made = document.createElement(kind);
    if (content !== undefined) made.textContent = content;
    if (name) made.className = name;
    return made;
  }

  function span(track, name, begin, end, from, to) {
    const left = Math.max(begin, from), right = Math.min(end, to);
    if (!(right > left)) return;
    const bar = element("i", undefined, name);
    bar.style.left = (100 * (left - from)) / (to - from) + "%";
    bar.style.width = "max(1px, " + (100 * (right - left)) / (to - from) + "%)";
    track.append(bar);
  }

  function bar(place, from, to) {
    const track = element("span", undefined, "track"), created = jobs.created[place];
    if (created === null) return track;
    const stopped = jobs.stopped[place] ?? runEnd, started = jobs.started[place] ?? stopped;
    const starting = Math.min(jobs.starting[place] ?? started, started);
    span(track, "wait", created, starting, from, to);
    span(track, "start", starting, started, from, to);
    span(track, text("status", place) === "FAILED" ? "failed" : "run", started, stopped, from, to);
    return track;
  }

  function row(place, from, to) {
    const made = element("div", undefined, "row"), status = text("status", place);
    made.dataset.place = place;
    made.setAttribute("role", "row");
    made.setAttribute("aria-selected", String(place === chosen));
    made.append(element("span", jobs.name[place]), element("span", text("stage", place)),
      element("span", status, "status-" + status), element("span", duration(waited(place)), "n"),
      element("span", duration(ran(place)), "n"), bar(place, from, to));
    return made;
  }

  function limits(places) {
    if (!byId("fit").checked || !places.length) return [0, runEnd];
    const from = Math.min(...places.map((p) => jobs.created[p] ?? 0));
    const to = Math.max(...places.map((p) => jobs.stopped[p] ?? runEnd));
    return [from, Math.max(to, from + 1)];
  }

  function draw() {
    const view = byId("view"), first = Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
    const places = Array.from(shown.slice(first, first + Math.ceil(view.clientHeight / ROW) + 2 * SPARE));
    const [from, to] = limits(places);
    byId("rows").style.top = first * ROW + "px";
    byId("rows").replaceChildren(...places.map((place) => row(place, from, to)));
  }

  function choose() {
    const words = byId("search").value.toLowerCase(), stage = +byId("stage").value, status = +byId("status").value;
    const cause = +byId("cause").value;
    shown = all.filter((p) => (!words || lowered[p].includes(words)) && (stage < 0 || jobs.stage[p] === stage)
      && (status < 0 || jobs.status[p] === status) && (cause < 0 || jobs.cause[p] === cause));
    const key = keys[order], sign = down ? -1 : 1;
    const value = Array.from(all, key);
    if (order !== "created" || down) {
      shown.sort((a, b) => {
        const one = value[a], other = value[b];
        if (one === other) return a - b;
        if (one === null) return 1;
        if (other === null) return -1;
        return one < other ? -sign : sign;
      });
    }
    byId("space").style.height = shown.length * ROW + "px";
    byId("view").style.height = Math.min(MOST, shown.length) * ROW + 2 + "px";
    byId("shown").textContent = shown.length.toLocaleString("en") + " of " + count.toLocaleString("en") + " jobs";
    byId("view").scrollTop = 0;
    draw();
  }

  function tell(place) {
    chosen = place;
    const list = element("dl"), memory = jobs.mib[place];
    const at = jobs.created[place] === null ? "" : new Date(1000 * (data.begin + jobs.created[place])).toISOString();
    const facts = [["job", jobs.name[place]], ["jobId", jobs.id[place]], ["stage", text("stage", place)],
      ["queue", text("queue", place)], ["status", text("status", place) + (jobs.again[place] ? " (tried again as another job)" : "")],
      ["asked for", [jobs.vcpus[place] === null ? "" : jobs.vcpus[place] + " vCPUs", memory === null ? "" : memory + " MiB"].filter(Boolean).join(", ")],
      ["submitted", at], ["waited", duration(waited(place))], ["ran", duration(ran(place))],
      ["attempts", String(jobs.tries[place])], ["exit code", jobs.exit[place] === null ? "" : String(jobs.exit[place])],
      ["cause", text("cause", place)], ["reason", text("reason", place)], ["remedy", text("remedy", place)]];
    for (const [name, value] of facts) if (value) list.append(element("dt", name), element("dd", value));
    byId("job").replaceChildren(list);
    byId("job").hidden = false;
    draw();
  }

  function options(id, name, words) {
    const select = byId(id);
    select.append(new Option(words, "-1"));
    texts[name].forEach((item, place) => select.append(new Option(item, String(place))));
    select.addEventListener("change", choose);
    if (!texts[name].length) select.hidden = true;
  }

  options("stage", "stage", "every stage");
  options("status", "status", "every status");
  options("cause", "cause", "every cause");
  byId("search").addEventListener("input", choose);
  byId("fit").addEventListener("change", draw);
  byId("view").addEventListener("scroll", draw);
  byId("rows").addEventListener("click", (event) => {
    const made = event.target.closest(".row");
    if (made) tell(+made.dataset.place);
  });
  for (const button of document.querySelectorAll(".head button")) {
    button.addEventListener("click", () => {
      down = order === button.value ? !down : button.value !== "name" && button.value !== "created";
      order = button.value;
      choose();
    });
  }
  choose();
});
