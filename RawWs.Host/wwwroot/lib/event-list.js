/** Puts `text` at the end of a list on the page, with the time; keeps the newest `limit` entries. */
export function addEntry(list, text, { kind = "note", limit = 100 } = {}) {
  const item = document.createElement("li");
  item.dataset.kind = kind;
  const time = document.createElement("time");
  const now = new Date();
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString([], { hour12: false });
  const body = document.createElement("span");
  body.textContent = text;
  item.append(time, body);
  append(list, item, limit);
  return item;
}

/** Appends `item`; a reader who has scrolled up is left where he is. */
export function append(list, item, limit) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(item);
  while (list.childElementCount > limit) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}
