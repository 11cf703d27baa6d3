// What a mark means, in one sentence. What is not known is said, not guessed.
function readSentence(win, e) {
  const known = `step ${number(e.t)}, head ${e.head} read slot ${number(e.slot)} (${exact(e.weight)})`;
  if (e.writer < 0 && win.began_full && win.a.episode[e.t - win.start] === win.first_episode) return `${known}, not written since recording began`;
  const span = win.erases ? "since it was last erased" : "in this episode";
  if (e.writer < 0) return `${known}, not written above ${win.threshold.toPrecision(1)} ${span}`;
  return `${known}, written at step ${number(e.writer)} (${exact(e.writerWeight)}), ${agoText(e.t - e.writer)}`;
}

function writeSentence(win, e) {
  const known = `step ${number(e.t)}, head ${e.head} wrote slot ${number(e.slot)} (${exact(e.weight)})`;
  if (!e.erases) return known;
  const before = e.last < 0 ? "never accessed before" : `last accessed at step ${number(e.last)}, ${agoText(e.t - e.last)}`;
  return `${known}, erased first as the least ${win.queue ? "recently accessed" : "used"}: ${before}`;
}

const agoText = (n) => (n === 0 ? "in the same step" : `${steps(n)} ago`);
const entrySentence = (win, e) => (e.kind === "read" ? readSentence(win, e) : writeSentence(win, e));

const lastAccessText = (last, t) => `last accessed ${last < 0 ? "before recording began" : `at step ${number(last)}`}, ${agoText(idleSteps(last, t))}`;

function slotSentence(win, slot, t) {
  const last = win.lastAccess(slot, t);
  const when = last === -1 ? "not accessed in this episode so far" : lastAccessText(last, t);
  return `slot ${number(slot)} at the end of step ${number(t)}, ${when}`;
}

function slotEntries(win, slot, t) {
  return [...win.entries("write", t), ...win.entries("read", t)].filter((e) => e.slot === slot && (e.weight > win.threshold || e.erases));
}

// What the step at the cursor is in the task, as [text, tone].
function stepVerdict(win, t) {
  if (!win.a.mask) return ["Not scored: output, target or mask was not recorded", "plain"];
  if (!win.value("mask", t)) return ["not scored", "plain"];
  if (win.output_kind === "classes") return classVerdict(win, t);
  const wrong = vector(win, "wrong", t), count = wrong.reduce((sum, w) => sum + w, 0), tone = count ? "wrong" : "right";
  return [count ? `answer, ${count} of ${wrong.length} ${win.counted}s wrong` : `answer, all ${wrong.length} ${win.counted}s right`, tone];
}
