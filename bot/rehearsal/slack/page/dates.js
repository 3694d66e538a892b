// Times as the reader's own clock and language show them.

const DAY_MS = 86_400_000;

/** Formats times for one person's language; `now` is a function, so that "today" moves with the clock. */
export function datesFor(locale, now = () => new Date()) {
  const language = known(locale);
  const shape = (options) => (date) => new Intl.DateTimeFormat(language, options).format(date);
  const day = shape({ year: "numeric", month: "long", day: "numeric" });
  const short = shape({ year: "numeric", month: "short", day: "numeric" });
  const long = shape({ year: "numeric", month: "long", day: "numeric", weekday: "long" });
  const time = shape({ hour: "numeric", minute: "2-digit" });
  const pretty = (plain) => (date) => nearby(date, now(), language) ?? plain(date);
  const forms = {
    date_num: (date) => isoDay(date),
    date_slash: shape({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date: day, date_short: short, date_long: long, date_pretty: pretty(day), date_short_pretty: pretty(short), date_long_pretty: pretty(long),
    time, time_secs: shape({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
    day_divider_pretty: pretty(long), ago: (date) => ago(date, now(), language),
  };
  return {
    time,
    full: shape({ dateStyle: "full", timeStyle: "medium" }),
    day: (date) => capital(pretty(long)(date), language),
    /** Fill a token's format such as `{date_short} at {time}`; null when it is not one we know. */
    token(seconds, format) {
      const date = new Date(Number(seconds) * 1000);
      if (Number.isNaN(date.getTime())) return null;
      let understood = true;
      const text = format.replace(/\{(\w+)\}/g, (whole, name) => {
        if (forms[name]) return forms[name](date);
        understood = false;
        return whole;
      });
      return understood ? text : null;
    },
  };
}

export function fromTs(ts) {
  return new Date(Number.parseFloat(ts) * 1000);
}

function known(locale) {
  try {
    return Intl.getCanonicalLocales((locale ?? "").replace("_", "-"))[0] ?? navigator.language;
  } catch {
    return navigator.language;
  }
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

export function sameDay(left, right) {
  return midnight(left).getTime() === midnight(right).getTime();
}

// Slack says "today", "yesterday", "tomorrow", and the date for any other day.
function nearby(date, now, language) {
  const days = Math.round((midnight(date) - midnight(now)) / DAY_MS);
  if (Math.abs(days) > 1) return null;
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
}

function ago(date, now, language) {
  const seconds = Math.round((date - now) / 1000);
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

function isoDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function capital(text, language) {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}
