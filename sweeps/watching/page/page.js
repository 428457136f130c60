// Asks the watcher every two seconds, less often while nobody sees the page, and shows what is new.

import { drawPanel } from "./chart.js";
import { clockTime, duration, grouped, inAxisUnit, utc } from "./words.js";

const POLL_MS = 2000;
const HIDDEN_POLL_MS = 30000;
const GIVE_UP_MS = 15000;
const byId = id => document.getElementById(id);
let shown = null, tag = "", heardS = 0, askedMs = -HIDDEN_POLL_MS, isAsking = false, isLost = false;

// Only what has changed is touched: readers of a screen are not told the same again.
function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function fillRows(id, rows, key = JSON.stringify(rows)) {
  const body = byId(id);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...rows.map(({ cells, mark = "" }) => {
    const row = document.createElement("tr");
    row.className = mark;
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}

function showHead(view) {
  const facts = view.facts;
  setText("title", `${facts.procedure || "run"} on ${facts.station_title || facts.station || "a station"}`);
  const plan = facts.plan_name ? `plan ${facts.plan_name}` + (facts.plan_title ? ` (${facts.plan_title})` : "") : "";
  const about = [plan, facts.target && `target ${facts.target}`, `record ${facts.run}`];
  setText("about", about.filter(Boolean).join(" · "));
  byId("clock").hidden = facts.clock !== "virtual";
  setText("clock", "VIRTUAL TIME: the emulated lab's clock; days pass in minutes");
  setText("state", view.state);
  const bad = view.state === "broken off" || view.state === "process gone";
  byId("state").className = bad ? "bad" : view.state;
  setText("reason", view.reason);
  byId("bar").max = view.planned ?? 1;
  byId("bar").value = view.planned === null ? 0 : Math.min(view.planned, view.taken + view.gaps.slots);
}

function showCounts(view) {
  const of = view.planned === null ? "" : ` of ${grouped(view.planned)}`;
  const dealt = view.taken + view.gaps.slots;
  const share = view.planned ? ` (${(Math.floor(1000 * dealt / view.planned) / 10).toFixed(1)} %)` : "";
  const missing = view.gaps.slots ? ` · ${grouped(view.gaps.slots)} slots without a record` : "";
  setText("counts", `${grouped(view.taken)}${of} ${view.facts.counted}${share}${missing}`);
}

// All that is seen of a page in the background.
function showTitle() {
  let title = "Watching a run";
  if (shown) {
    const view = shown.view;
    const share = view.planned ? `${Math.floor(100 * (view.taken + view.gaps.slots) / view.planned)} % ` : "";
    title = `${share}${view.state}: ${view.facts.run}`;
  }
  document.title = isLost ? `? ${title}` : title;
}

// Changes with the time that passes, also while the view stays the same.
function showTimes(view, isOver) {
  const nowS = Date.now() / 1000;
  const parts = [];
  if (view.facts.started_utc_s !== null) parts.push(`started ${utc(view.facts.started_utc_s)} UTC`);
  if (view.facts.finished_utc_s !== null) parts.push(`finished ${utc(view.facts.finished_utc_s)} UTC`);
  if (view.pace) {
    parts.push(`${view.pace.slots_per_s.toPrecision(3)} ${view.facts.counted === "records" ? "slots" : view.facts.counted}/s`);
    const leftS = view.pace.ends_utc_s - nowS;
    if (leftS > 0) parts.push(`done in ${duration(leftS)} (${utc(view.pace.ends_utc_s)} UTC)`);
  }
  if (view.newest && !isOver) parts.push(`newest record ${duration(nowS - view.newest.utc_s)} ago`);
  setText("times", parts.join(" · "));
}

function showAlarms(view) {
  const alarms = view.alarms.map(alarm => [alarm.is_now ? "now" : "", alarm.text]);
  if (view.problem) alarms.unshift(["now", `the record cannot be read: ${view.problem}`]);
  if (!alarms.length) alarms.push(["none", "none"]);
  const list = byId("alarms");
  const key = JSON.stringify(alarms);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...alarms.map(([mark, text]) => {
    const item = document.createElement("li");
    item.className = mark;
    item.textContent = mark === "" ? `earlier: ${text}` : text;
    return item;
  }));
}

function showPoints(view, quantities) {
  byId("sweep").hidden = !view.points.length;
  setText("level-name", view.points.length ? "mean at a point" : "mean of the run");
  if (!view.points.length) return;
  const names = ["added (dB)", "set (dB)", "read back (dB)", "state", "records", ...quantities.map(one => one.axis)];
  byId("sweep-head").replaceChildren(...names.map(name => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    return cell;
  }));
  const db = value => (value === null ? "-" : value.toFixed(3));
  fillRows("points", view.points.map(point => ({
    mark: point.state === "here" ? "here" : "",
    cells: [
      String(point.added_db), db(point.setting_db), db(point.readback_db), point.state,
      `${grouped(point.records)} of ${grouped(point.planned)}`,
      ...quantities.map((quantity, number) => (point.quantities.length
        ? `${inAxisUnit(quantity, point.quantities[number].mean)} ± ${inAxisUnit(quantity, point.quantities[number].sd)}`
        : "-")),
    ],
  })));
}

function showLists(view) {
  const gaps = view.gaps.newest.map(gap => ({
    cells: [gap.from_s === null ? "-" : utc(gap.from_s), gap.what, gap.reason],
  }));
  if (view.gaps.not_shown) gaps.push({ cells: ["", `and ${grouped(view.gaps.not_shown)} older stretches`, ""] });
  fillRows("gaps", gaps.length ? gaps : [{ cells: ["none", "", ""] }]);
  fillRows("journal", view.journal.map(line => ({ cells: [utc(line.lab_time_s), line.kind, line.text] })));
}

function showPanels({ view, quantities }) {
  byId("telemetry").hidden = view.facts.counted !== "records";
  if (byId("telemetry").hidden) return;
  const panels = byId("panels");
  if (!panels.children.length) {
    for (const quantity of quantities) {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      const title = document.createElement("strong");
      const summary = document.createElement("span");
      title.textContent = quantity.title;
      summary.className = "summary";
      caption.append(title, summary);
      figure.append(caption);
      figure.id = `panel-${quantity.key}`;
      panels.append(figure);
    }
  }
  quantities.forEach((quantity, number) => drawPanel(panels.children[number], quantity, number, view));
}

function showAll(answer) {
  const { view, quantities } = answer;
  byId("run").hidden = false;
  showHead(view);
  showCounts(view);
  showAlarms(view);
  showPoints(view, quantities);
  showLists(view);
  showPanels(answer);
}

function tellLink() {
  const link = byId("link");
  link.className = isLost ? "lost" : "";
  const since = heardS ? ` since ${clockTime(heardS)} UTC` : "";
  setText("link", isLost
    ? `Connection to the watcher lost${since}. Asking again; is "python -m sweeps watch" still there?`
    : "Connected to the watcher; new every 2 s.");
}

async function ask() {
  const headers = tag ? { "If-None-Match": tag } : {};
  const signal = AbortSignal.timeout(GIVE_UP_MS);
  const answer = await fetch("/view.json", { cache: "no-store", headers, signal });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  shown = await answer.json();
  tag = answer.headers.get("ETag") ?? "";
  showAll(shown);
}

async function poll() {
  const isEarly = document.hidden && performance.now() - askedMs < HIDDEN_POLL_MS;
  if (isEarly || isAsking) return;
  isAsking = true;
  askedMs = performance.now();
  try {
    await ask();
    heardS = Date.now() / 1000;
    isLost = false;
  } catch (error) {
    isLost = true;
    console.info(error);
  }
  isAsking = false;
  tellLink();
  showTitle();
  if (shown) showTimes(shown.view, shown.is_over);
}

new ResizeObserver(() => shown && showPanels(shown)).observe(byId("panels"));
document.addEventListener("visibilitychange", poll);
setInterval(poll, POLL_MS);
poll();
