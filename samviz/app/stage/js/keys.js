// The keyboard belongs to the stage, except while somebody types, chooses or moves in a table.
const TYPING = "input:not([type=range]), select, textarea, [contenteditable], [role=combobox], [role=listbox], [role=grid], [role=textbox], [role=menu]";
// A dialog of the browser's keeps the focus for a moment after it was closed.
const IN_DIALOG = "[role=dialog]:not(dialog:not([open]))";
const KEYS = [
  ["← →", "previous, next step"],
  ["Shift ← →", "100 steps"],
  ["Home End", "first, last step"],
  ["Space", "play or pause"],
  [", .", "previous, next event of the focused slot"],
  ["G", "go to a step"],
  ["F", "fit: show the whole run"],
  ["Esc", "clear slot, head and zoom"],
  ["?", "this list"],
];

function keyHandler(actions) {
  const table = {
    ArrowLeft: (e) => actions.step(e.shiftKey ? -100 : -1),
    ArrowRight: (e) => actions.step(e.shiftKey ? 100 : 1),
    Home: () => actions.first(),
    End: () => actions.last(),
    " ": () => actions.play(),
    ".": () => actions.event(1),
    ",": () => actions.event(-1),
    g: () => actions.goTo(),
    f: () => actions.fit(),
    "?": () => actions.help(),
    Escape: () => actions.clear(),
  };
  return (e) => {
    const target = e.composedPath()[0], key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || !table[key]) return;
    if (e.shiftKey && !["ArrowLeft", "ArrowRight", "?"].includes(key)) return;
    if (target instanceof Element && target.closest(TYPING)) return;
    if (key === " " && target instanceof Element && target.closest("button, a, summary")) return;
    if (target instanceof Element && target.closest(IN_DIALOG) && key !== "Escape" && key !== "?") return;
    e.preventDefault();
    actions.timed(e.timeStamp);
    table[key](e);
  };
}

function helpDialog() {
  const rows = KEYS.map(([keys, what]) => make("div", {}, [make("dt", {}, keys.split(" ").map((k) => make("kbd", { text: k }))), make("dd", { text: what })]));
  const close = make("button", { type: "button", text: "Close" });
  const dialog = make("dialog", { class: "help", role: "dialog", "aria-label": "Keys" }, [
    make("h2", { text: "Keys" }),
    make("dl", {}, rows),
    make("p", { text: "Click a cell to focus its slot and step. Drag over the accesses to zoom, double-click to zoom out." }),
    close,
  ]);
  close.addEventListener("click", () => dialog.close());
  return dialog;
}
