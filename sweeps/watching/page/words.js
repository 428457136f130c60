// Numbers and times in words.

export const grouped = (value, decimals = 0) =>
  value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

export const utc = seconds => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

export const clockTime = seconds => utc(seconds).slice(11);

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const [name, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return `${Math.floor(whole / size)} ${name}` + (rest ? ` ${rest} ${next[0]}` : "");
}

export const inAxisUnit = (quantity, value) => grouped(value * quantity.scale, quantity.decimals);
