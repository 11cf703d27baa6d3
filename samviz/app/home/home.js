// Home: traces on one side, the episodes of the chosen trace on the other. Text goes in as textContent only.
const SHOWN = 500;
const count = (n, what) => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
let filter = "all";

// Two decimals from a tenth of a bit on, two digits below, so that a small loss is not called none.
const bits = (loss) => (loss === 0 || loss >= 0.1 ? loss.toFixed(2) : loss < 1e-5 ? "<0.00001" : String(Number(loss.toPrecision(2))));

function traceItem(trace, current, pick) {
  if (trace.error) {
    return make("li", { class: "broken" }, [
      make("div", { class: "line" }, [make("strong", { text: trace.name })]),
      make("p", { text: trace.error }),
    ]);
  }
  const facts = [`${trace.model} on ${trace.task}`, count(trace.steps, "step"), count(trace.episodes, "episode"), `${count(trace.slots, "slot")} × ${trace.word_size}`, count(trace.heads, "head"), trace.size];
  const button = make("button", { class: "trace", type: "button", "aria-current": current ? "true" : "false", "data-name": trace.name, on: { click: () => pick(trace.name) } }, [
    make("div", { class: "line" }, [make("strong", { text: trace.name }), make("span", { class: "state", text: trace.status })]),
    make("div", { class: "facts" }, facts.map((text, i) => make("span", { text, class: i ? "" : "what" }))),
  ]);
  return make("li", {}, [button]);
}

function episodeRow(e, most, open) {
  const verdict = { wrong: "wrong", right: "right" }[e.verdict] ?? "none quiet";
  const loss = e.loss === null ? [document.createTextNode("–")] : [make("span", { class: "barbox", "aria-hidden": "true" }, [bar(e.loss / most)]), make("span", { class: "value", text: bits(e.loss) })];
  return make("tr", { "data-episode": e.number, on: { click: () => open(e.landing) } }, [
    make("td", { class: "left" }, [make("button", { class: "go", type: "button", text: String(e.number), "aria-label": `replay episode ${e.number}` })]),
    make("td", { class: "left" }, [make("span", { class: verdict, text: e.verdict })]),
    make("td", { text: e.wrong === null ? "–" : String(e.wrong), class: e.wrong ? "" : "quiet" }),
    make("td", {}, loss),
    make("td", { text: e.steps.toLocaleString("en-US") }),
    make("td", { text: e.landing.toLocaleString("en-US"), class: "quiet" }),
  ]);
}

function bar(share) {
  const node = make("i", { class: "bar" });
  node.style.width = `${Math.round(64 * Math.max(0, Math.min(1, share || 0)))}px`;
  return node;
}

function episodeTable(data, trace, open, kept) {
  const chosen = data.episodes.filter((e) => kept === "all" || e.verdict === kept), most = Math.max(1, ...data.episodes.map((e) => e.loss ?? 0));
  const head = [["episode", "left"], ["verdict", "left"], [`wrong ${trace.counted}s`, ""], ["loss, bits", ""], ["steps", ""], ["opens at step", ""]];
  const table = make("table", {}, [
    make("thead", {}, [make("tr", {}, head.map(([text, c]) => make("th", { text, class: c, scope: "col" })))]),
    make("tbody", {}, chosen.slice(0, SHOWN).map((e) => episodeRow(e, most, open))),
  ]);
  const more = chosen.length > SHOWN ? [make("p", { class: "sub", text: `The first ${SHOWN} of ${chosen.length.toLocaleString("en-US")} are listed; Replay reaches all of them.` })] : [];
  return [make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "episodes" }, [table]), ...more];
}

function episodesPart(data, open, redraw) {
  if (!data.shown) return [make("p", { class: "sub", text: "No file in this folder can be read as a trace." })];
  const trace = data.traces.find((t) => t.name === data.shown);
  const wrong = data.episodes.filter((e) => e.verdict === "wrong").length, answered = data.episodes.filter((e) => e.verdict !== "no answer").length;
  const answers = answered ? `${wrong} of ${count(answered, "answered episode")} wrong.` : "No answers were recorded: outputs, targets or the mask are missing.";
  const losses = data.episodes.length && data.episodes.every((e) => e.loss === null) ? " No losses were recorded." : "";
  const sum = data.problem ?? answers + losses;
  const filters = [["all", `All ${data.episodes.length.toLocaleString("en-US")}`], ["wrong", `Wrong ${wrong.toLocaleString("en-US")}`]].map(([name, text]) =>
    make("button", { type: "button", text, "aria-pressed": String(filter === name), on: { click: () => { filter = name; redraw(); } } }));
  return [
    make("h2", { text: data.shown }),
    ...[trace.description, sum].filter(Boolean).map((text) => make("p", { class: "sub", text })),
    ...(answered ? [make("div", { class: "filters", role: "group", "aria-label": "which episodes" }, filters)] : []),
    ...(data.episodes.length ? episodeTable(data, trace, open, answered ? filter : "all") : []),
  ];
}

export default function ({ data, parentElement, setTriggerValue }) {
  const pick = (name) => setTriggerValue("pick", name);
  const open = (t) => setTriggerValue("replay", { trace: data.shown, t });
  const draw = () => {
    parentElement.querySelector(".home")?.remove();
    parentElement.append(make("div", { class: "home", "data-ready": "1", "data-shown": data.shown ?? "" }, [
      make("section", { "aria-label": "traces" }, [
        make("h2", { text: "Traces" }),
        make("p", { class: "sub", text: `${count(data.traces.length, "file")} in ${data.folder}` }),
        make("ul", {}, data.traces.map((t) => traceItem(t, t.name === data.shown, pick))),
      ]),
      make("section", { "aria-label": "episodes" }, episodesPart(data, open, draw)),
    ]));
  };
  draw();
}
