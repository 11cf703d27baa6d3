// What buttons and keys do beyond moving the cursor.
function toEpisode(stage, n) {
  if (!stage.feed || n === null) return;
  const at = stage.feed.a.episode_number.indexOf(n);
  if (at >= 0) stage.cursor.move(stage.feed.a.episode_start[at]);
  else stage.changed();
}

function toEvent({ cursor, events }, direction) {
  const { slot, t } = cursor;
  if (slot === null || events?.slot !== slot) return;
  const list = events.a.step, at = direction > 0 ? lastBelow(list, t + 1) + 1 : lastBelow(list, t);
  if (at >= 0 && at < list.length) cursor.move(list[at]);
}

function clearAll(stage) {
  if (stage.help.open) return stage.help.close();
  stage.tip.hide();
  stage.transport.toggle(false);
  const zoomed = stage.cursor.zoom !== null;
  stage.cursor.set({ slot: null, head: null });
  if (zoomed) stage.cursor.setZoom(null);
}

function toggleHelp({ help }) {
  if (help.open) help.close();
  else help.showModal();
}

async function copyLink(stage, status) {
  try {
    await navigator.clipboard.writeText(stage.cursor.url());
    status.textContent = "Copied";
  } catch {
    status.textContent = "Copying is not allowed here: the address bar holds the link";
  }
  clearTimeout(stage.copyTimer);
  stage.copyTimer = setTimeout(() => { status.textContent = ""; }, 2500);
}
