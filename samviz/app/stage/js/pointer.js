// The pointer: hovering says what is there, a click focuses it, a drag over the accesses zooms.
function listenToPanel(stage, panel) {
  const local = (e) => {
    const box = panel.canvas.getBoundingClientRect();
    return panel.what(stage.view(), e.clientX - box.left, e.clientY - box.top);
  };
  panel.canvas.addEventListener("pointermove", (e) => {
    if (!stage.overview.drag) stage.tip.show(local(e)?.text, e.clientX, e.clientY);
  });
  panel.canvas.addEventListener("pointerleave", () => stage.tip.hide());
  panel.canvas.addEventListener("click", (e) => {
    const what = panel.dragged ? null : local(e);
    if (what) stage.cursor.set(focusOf(what, stage.cursor));
  });
}

// What a click on something changes; a head clicked again is let go.
function focusOf(what, cursor) {
  const change = {};
  if (what.t !== undefined) change.t = what.t;
  if (what.slot !== undefined && what.slot !== null) change.slot = what.slot;
  if (what.head !== undefined) change.head = what.head === cursor.head && what.slot === undefined ? null : what.head;
  return change;
}

function listenToDrag(stage, overview) {
  const { canvas } = overview, xOf = (e) => e.clientX - canvas.getBoundingClientRect().left;
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || e.pointerType === "touch") return;
    overview.dragged = false;
    overview.drag = { from: xOf(e), to: xOf(e) };
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (!overview.drag) return;
    stage.tip.hide();
    overview.drag.to = xOf(e);
    stage.changed();
  });
  const end = (e) => {
    const { drag } = overview, { feed } = stage;
    overview.drag = null;
    stage.changed();
    if (!drag || !feed || e.type === "pointercancel" || Math.abs(drag.to - drag.from) < 6) return;
    overview.dragged = true;
    const [from, to] = [drag.from, drag.to].map((x) => overview.stepAt(feed, x)).sort((a, b) => a - b);
    stage.cursor.setZoom([from, to + 1]);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("dblclick", () => stage.cursor.zoom && stage.cursor.setZoom(null));
}
