"use strict";

const PAUSE = 1500; // milliseconds between two looks at the server
const RULES = { lambda: "AWS Lambda", fc: "Function Compute", linkedge: "Link IoT Edge" };
const byId = (id) => document.getElementById(id);
const MOST_SHOWN = 100_000; // characters; a browser takes long over more
let handlers = new Map();
let shown = "";
let looks = 0;

// Text from functions only ever becomes text nodes, never markup.
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function offer(select, choices) {
  const before = select.value;
  const same = select.length === choices.length && choices.every(([value], at) => select.options[at].value === value);
  if (same) return;
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  if (choices.some(([value]) => value === before)) select.value = before;
}

function fill(body, rows, columns, nothing) {
  if (!rows.length) {
    const cell = element("td", nothing);
    cell.colSpan = columns;
    rows = [[cell]];
  }
  body.replaceChildren(...rows.map((cells) => {
    const row = element("tr");
    row.append(...cells);
    return row;
  }));
}

function showHandler() {
  byId("handler").textContent = handlers.get(byId("function").value) ?? "";
}

function outcomeClass(outcome) {
  return outcome === "ok" ? "good" : "bad";
}

function callRow(call) {
  const outcome = call.detail ? `${call.outcome} (${call.detail})` : call.outcome;
  return [
    element("td", new Date(call.at * 1000).toLocaleTimeString()),
    element("td", call.function),
    element("td", call.api),
    element("td", call.type),
    element("td", outcome, outcomeClass(call.outcome)),
    element("td", `${call.milliseconds.toFixed(1)} ms`, "number"),
    element("td", call.requestId ?? "", "id"),
  ];
}

const STATES = { ok: ["ran", "good"], failed: ["failed, runs again", "warn"], dead: ["dead letter", "bad"] };

// The newest attempt of an event comes first, and tells how the event stands.
function events(attempts) {
  const newest = new Map();
  for (const attempt of attempts) if (!newest.has(attempt.requestId)) newest.set(attempt.requestId, attempt);
  return [...newest.values()];
}

function eventRow(event) {
  const [state, className] = STATES[event.givenUp ? "dead" : event.outcome] ?? [event.outcome, "bad"];
  return [
    element("td", state, className),
    element("td", event.service ? `${event.service}/${event.function}` : event.function),
    element("td", String(event.attempt), "number"),
    element("td", event.error ?? ""),
    element("td", event.requestId, "id"),
  ];
}

function show(state) {
  handlers = new Map(state.functions.map((each) => [each.name, each.handler]));
  offer(byId("function"), state.functions.map((each) => [each.name, each.name]));
  offer(byId("rules"), state.rules.map((rules) => [rules, RULES[rules] ?? rules]));
  byId("rules-choice").hidden = state.rules.length < 2;
  byId("apis").textContent = state.apis.join(", ");
  showHandler();
  fill(byId("calls"), state.calls.map(callRow), 7, "No call yet. Point an SDK at this address, or use the form.");
  fill(byId("queue"), events(state.queue.attempts).map(eventRow), 5, "No accepted event has run yet.");
  const { waiting } = state.queue;
  byId("waiting").textContent = `${waiting} ${waiting === 1 ? "event waits" : "events wait"} to run, or to run again.`;
}

async function look() {
  const connection = byId("connection");
  const number = ++looks;
  try {
    const answer = await fetch("/_fcall/state", { cache: "no-store" });
    const text = await answer.text();
    if (number !== looks) return; // a later look shows what is newer
    if (!answer.ok) throw new Error(text);
    if (text !== shown) show(JSON.parse(text)); // else what is selected there stays selected
    shown = text;
    connection.textContent = "";
    connection.className = "";
  } catch {
    connection.textContent = "The server does not answer";
    connection.className = "lost";
  }
}

async function watch() {
  if (!document.hidden) await look();
  setTimeout(watch, PAUSE);
}

function checkEvent() {
  const event = byId("event");
  let note = "";
  try {
    if (event.value.trim()) JSON.parse(event.value);
  } catch {
    note = "This is not JSON. It is sent as it is.";
  }
  byId("event-note").textContent = note;
  event.setAttribute("aria-invalid", String(Boolean(note)));
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|\s+|\{\s*\}|\[\s*\]|[{}[\],:]/g;

// Indents the text of JSON. To write anew what was parsed would round large numbers, and drop a name that comes twice.
function readable(text) {
  if (text.length > MOST_SHOWN) return text;
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(TOKEN, (token) => {
    if (token[0] === '"') return JSON.stringify(JSON.parse(token)); // characters for their escapes
    if (!token.trim()) return "";
    if (token.length > 1) return token[0] + token.at(-1);
    if (token === ":") return ": ";
    if (token === ",") return token + line();
    depth += "{[".includes(token) ? 1 : -1;
    return "{[".includes(token) ? token + line() : line() + token;
  });
}

function titled(title, text) {
  if (!text) return [];
  const rest = text.length - MOST_SHOWN;
  const note = `The first ${MOST_SHOWN} characters; ${rest} more are not shown.`;
  return [
    element("h3", title),
    ...(rest > 0 ? [element("p", note, "quiet")] : []),
    element("pre", text.slice(0, MOST_SHOWN)),
  ];
}

const VERDICTS = { Sync: "answered", Async: "accepted; it runs later", DryRun: "would be called" };

function showResult(answer, type, name, took) {
  const verdict = answer.outcome === "ok" ? `${name}: ${VERDICTS[type]}` : `${name}: ${answer.outcome}`;
  const facts = [`${took.toFixed(1)} ms`];
  if (answer.executed) facts.push(`executed: ${answer.executed}`);
  if (answer.requestId) facts.push(`request id ${answer.requestId}`);
  byId("result").replaceChildren(
    element("p", verdict, `verdict ${outcomeClass(answer.outcome)}`),
    element("p", facts.join(" · "), "quiet"),
    ...(answer.message ? [element("p", answer.message)] : []),
    ...titled(answer.errorType ?? "", [answer.errorMessage, ...(answer.stackTrace ?? [])].filter(Boolean).join("\n")),
    ...titled(answer.base64 ? "Payload, in base64" : "Payload", answer.base64 ?? readable(answer.payload ?? "")),
    ...titled("Log", answer.logTail?.replaceAll("\r", "\n")), // Lambda writes the lines of one record so
  );
}

async function call(submitted) {
  submitted.preventDefault();
  const [name, type, rules] = ["function", "type", "rules"].map((id) => byId(id).value);
  const send = byId("send");
  if (send.ariaDisabled === "true") return; // not `disabled`, which would take the focus from it
  const path = `/_fcall/call/${rules}?function=${encodeURIComponent(name)}&type=${type}`;
  const begun = performance.now();
  send.ariaDisabled = "true";
  try {
    const answer = await fetch(path, { method: "POST", body: byId("event").value });
    showResult(await answer.json(), type, name, performance.now() - begun);
  } catch (error) {
    showResult({ outcome: "no answer", message: String(error) }, type, name, performance.now() - begun);
  } finally {
    send.ariaDisabled = "false";
  }
  await look();
}

byId("call").addEventListener("submit", call);
byId("function").addEventListener("change", showHandler);
byId("event").addEventListener("input", checkEvent);
byId("event").addEventListener("keydown", (pressed) => {
  if (pressed.key === "Enter" && (pressed.ctrlKey || pressed.metaKey)) byId("call").requestSubmit();
});
watch();
