// Sizes, times and counts as people read them.

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** As everywhere in Kazinex: MB is 1,048,576 bytes. */
export function bytes(size) {
  if (size === null || size === undefined) return "–";
  let value = size;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit && value < 100 && value % 1 ? value.toFixed(1) : Math.round(value).toLocaleString()} ${UNITS[unit]}`;
}

export const UNIT_BYTES = { MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/** Split a size into a number and the largest unit that writes it without a fraction. */
export function inUnit(size) {
  const unit = ["TB", "GB", "MB"].find((name) => size >= UNIT_BYTES[name] && size % UNIT_BYTES[name] === 0) ?? "MB";
  return { number: size / UNIT_BYTES[unit], unit };
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export const time = (text) => (text ? TIME.format(new Date(text)) : "never");

/** Make a `time` element: how long ago, with the exact time as its title. */
export function when(text) {
  const element = document.createElement("time");
  if (!text) {
    element.textContent = "never";
    return element;
  }
  const minutes = Math.round((new Date(text) - Date.now()) / 60000);
  element.dateTime = text;
  element.title = time(text);
  if (minutes > -1) element.textContent = "just now";
  else if (minutes > -60) element.textContent = AGO.format(minutes, "minute");
  else if (minutes > -60 * 24) element.textContent = AGO.format(Math.round(minutes / 60), "hour");
  else element.textContent = time(text);
  return element;
}

export const count = (number, one, many = `${one}s`) => `${(number ?? 0).toLocaleString()} ${number === 1 ? one : many}`;

/** Say how long something takes, to the larger of its units. */
export function span(seconds) {
  for (const [unit, name] of [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ]) {
    if (seconds >= unit) return count(Math.round(seconds / unit), name);
  }
  return count(Math.max(1, Math.round(seconds)), "second");
}
