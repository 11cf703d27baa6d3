// The rows of the task strip from top to bottom: which there are, and how high each may be.
const MOST_LINES = 24, BARS = 4;

function rowKind({ kind, start, stop }) {
  if (kind === "words" || kind === "image") return kind;
  if (kind === "value" && stop - start <= BARS) return "value";
  return kind === "flag" && stop - start <= MOST_LINES ? "flag" : "cells";
}

function taskRows(win) {
  const rows = [];
  for (const name of ["input", "target", "output"]) {
    if (!win.a[name]) continue;
    fieldsOf(win, name).forEach((field, k) => {
      const kind = rowKind(field);
      rows.push({ name, field, kind, size: field.stop - field.start, gap: k === 0 && rows.length ? 7 : kind === "flag" ? 0 : 2 });
    });
  }
  return rows;
}

// Rows that say their heights (want, if possible at least `least`) come first; cells and flags share what is left.
function layRows(rows, top, room) {
  const tall = rows.filter((r) => r.want), flags = rows.filter((r) => r.kind === "flag"), cells = rows.filter((r) => !r.want && r.kind !== "flag");
  const sum = (list, of) => list.reduce((total, r) => total + of(r), 0), free = room - sum(rows, (r) => r.gap);
  const wanted = sum(tall, (r) => r.want), least = sum(tall, (r) => r.least), tallRoom = free * (tall.length < rows.length ? 0.7 : 1);
  const share = wanted > least ? clamp((tallRoom - least) / (wanted - least), 0, 1) : 1, squeeze = Math.min(1, tallRoom / Math.max(1, least));
  for (const r of tall) r.h = squeeze * (r.least + share * (r.want - r.least));
  const left = Math.max(8, free - sum(tall, (r) => r.h)), of = sum(flags, (r) => r.size), others = sum(cells, (r) => r.size);
  const flagH = clamp(Math.max(left / Math.max(1, of + others), Math.min(10, left / 12)), 2, 12), each = (left - of * flagH) / Math.max(1, others);
  for (const r of flags) Object.assign(r, { lines: r.size, lineH: flagH });
  for (const r of cells) Object.assign(r, { lines: each >= 1 ? r.size : Math.max(1, Math.floor(r.size * each)), lineH: clamp(each, 1, 12) });
  let y = top;
  for (const r of rows) {
    r.y = y += r.gap;
    if (!r.want) r.h = r.lines * r.lineH;
    y += r.h;
  }
  return y;
}

// The channels [from, to) that one line of cells stands for: one, or several where there is no room.
function lineChannels({ field, size, lines }, line) {
  return [field.start + Math.floor((line * size) / lines), field.start + Math.floor(((line + 1) * size) / lines)];
}
