// What stands in the task strip at a step, in sentences.
function taskSentences(win, row, t, y) {
  const verdict = stepVerdict(win, t)[0], at = `step ${number(t)}: `;
  if (row?.kind === "words") return wordSentences(win, row, t, at, verdict);
  const lines = [at + verdict];
  if (row?.kind === "image") lines.push(imageSentence(win, row, t));
  else if (row) lines.push(channelSentence(win, row, t, channelsUnder(row, y)));
  return lines;
}

// The channels [from, to) of a row at a height in it.
function channelsUnder(row, y) {
  const lines = row.lines ?? row.size;
  return lineChannels({ ...row, lines }, clamp(Math.floor((y * lines) / row.h), 0, lines - 1));
}

const fieldName = (row) => (row.field.name === row.name ? row.name : `${row.name} ${row.field.name}`);

function wordSentences(win, row, t, at, verdict) {
  const word = wordAt(win, row, t);
  if (row.name === "input") {
    const name = fieldsOf(win, "input").length < 2 ? "input" : fieldName(row);
    return [`${at}${word ? `the ${name} is ${quoted(row.field, word.k)}` : `no ${name}`}`, verdict];
  }
  if (row.name === "output" && word && !word.scored) {
    return [`${at}not scored, the largest output is ${quoted(row.field, word.k)}${chance(win, t, word.k)}`];
  }
  return [at + verdict];
}

function imageSentence(win, row, t) {
  const [rows, columns] = row.field.shape, share = inked(win, row, t);
  return `the ${fieldName(row)}, ${columns} × ${rows}: ${share > 0 ? `${Math.max(1, Math.round(100 * share))} % ink` : "blank"}`;
}

function channelSentence(win, row, t, [k, to]) {
  const name = fieldName(row) + (row.kind === "value" && row.size === 1 ? "" : ` ${k - row.field.start}`);
  if (to - k > 1) return `${name} to ${to - 1 - row.field.start}: the strongest is shown`;
  const value = win.value(row.name, t, k), shown = `${name}: ${value.toFixed(2)}`;
  if (row.name !== "output") return shown;
  const before = win.output_kind === "bits" ? "squashing" : "softmax";
  return `${shown} before ${before}, probability ${probability(win, t, k).toFixed(2)}${wrongAt(win, t, k, k + 1) ? ", wrong" : ""}`;
}

// What the model answered with classes, and what it should have: [text, tone].
function classVerdict(win, t) {
  const k = largest(vector(win, "output", t)), target = largest(vector(win, "target", t)), fields = fieldsOf(win, "output");
  const name = (i) => quoted(fields.find((f) => i >= f.start && i < f.stop) ?? fields[0], i);
  const answered = `the model answered ${name(k)}${chance(win, t, k)}`;
  if (!wrongAt(win, t, 0, win.a.wrong.shape[1])) return [`${answered}, right`, "right"];
  return [`${answered}, target ${name(target)}`, "wrong"];
}
