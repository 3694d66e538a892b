// Small pictures of the emoji that carry a meaning in messages of bots, for machines without an emoji font.

const SVG = "http://www.w3.org/2000/svg";
const RED = "#dd2e44";
const ORANGE = "#f4900c";
const YELLOW = "#fdcb58";
const GREEN = "#4faa4f";
const BLUE = "#4a90d9";
const PURPLE = "#9b72cf";
const GREY = "#8a93a0";

const disc = (fill) => [["circle", { cx: 10, cy: 10, r: 8, fill }]];
const tile = (fill) => [["rect", { x: 2, y: 2, width: 16, height: 16, rx: 2, fill }]];
const line = (d, stroke = "#fff") => ["path", { d, stroke, "stroke-width": 2.4, fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" }];
const area = (d, fill) => ["path", { d, fill }];
const arrow = (d) => [...tile(BLUE), line(d)];

const check = [...tile(GREEN), line("M5.5 10.5l3 3 6-7")];
const clock = [...disc(GREY), ["circle", { cx: 10, cy: 10, r: 6, fill: "#fff" }], line("M10 6.5V10l2.4 1.6", "#4b5563")];
const hourglass = [area("M5 2h10v3l-4 5 4 5v3H5v-3l4-5-4-5z", YELLOW), line("M4.5 2h11M4.5 18h11", "#8d6e3f")];
const note = [area("M4 2h9l3 3v13H4z", "#e4e8ee"), line("M7 8h6M7 11h6M7 14h4", GREY)];
const phone = [["rect", { x: 5, y: 1, width: 10, height: 18, rx: 2, fill: "#4b5563" }], ["rect", { x: 6.5, y: 3.5, width: 7, height: 11.5, fill: "#a9d2f5" }]];
const lens = [["circle", { cx: 8, cy: 8, r: 5, fill: "#cfe6fa", stroke: GREY, "stroke-width": 2 }], line("M12 12l5 5", GREY)];
const bolt = [area("M11.5 1L4 11.5h5L8 19l8-11h-5z", YELLOW)];
const speaker = [area("M3 8v4h3l8 4V4L6 8z", RED), line("M16.5 8v4", GREY)];
const chart = (d, stroke) => [...tile("#eef2f6"), line(d, stroke)];

const DRAWINGS = {
  red_circle: disc(RED), large_orange_circle: disc(ORANGE), large_yellow_circle: disc(YELLOW), large_green_circle: disc(GREEN),
  large_blue_circle: disc(BLUE), blue_circle: disc(BLUE), large_purple_circle: disc(PURPLE), black_circle: disc("#31373d"),
  white_circle: disc("#ccd3da"), large_red_square: tile(RED), large_orange_square: tile(ORANGE), large_yellow_square: tile(YELLOW),
  large_green_square: tile(GREEN), large_blue_square: tile(BLUE), large_purple_square: tile(PURPLE), black_large_square: tile("#31373d"),
  white_large_square: tile("#ccd3da"), white_check_mark: check, heavy_check_mark: [line("M3 11l5 5L17 4", GREEN)],
  ballot_box_with_check: [...tile(BLUE), line("M5.5 10.5l3 3 6-7")], x: [line("M4 4l12 12M16 4L4 16", RED)],
  negative_squared_cross_mark: [...tile(GREEN), line("M6 6l8 8M14 6l-8 8")],
  warning: [area("M10 1.5L19.5 18H.5z", YELLOW), line("M10 7.5v4.5M10 15v.1", "#31373d")],
  rotating_light: [area("M5 15V9.5a5 5 0 0110 0V15z", RED), area("M3 15h14v3.5H3z", GREY), line("M10 3V1M4.5 5L3 3.5M15.5 5L17 3.5", ORANGE)],
  no_entry: [...disc(RED), line("M6 10h8")], no_entry_sign: [["circle", { cx: 10, cy: 10, r: 7, fill: "none", stroke: RED, "stroke-width": 2.6 }], line("M5.5 5.5l9 9", RED)],
  octagonal_sign: [area("M6 2h8l4 4v8l-4 4H6l-4-4V6z", RED)], information_source: [...tile(BLUE), line("M10 9v5M10 6v.1")],
  exclamation: [line("M10 3v9M10 16.5v.1", RED)], question: [line("M7 6.5a3 3 0 116 0c0 2-3 2.5-3 5M10 16v.1", RED)],
  bulb: [area("M10 2a5.5 5.5 0 00-3 10v2h6v-2a5.5 5.5 0 00-3-10z", YELLOW), line("M8 17h4", GREY)],
  fire: [area("M10 1c1 4 6 5.5 6 11a6 6 0 01-12 0c0-3 1.5-4 2-6 1.5 1 2 2 2 3 1.5-2 2-5 2-8z", ORANGE), area("M10 11c.5 2 3 2.5 3 5a3 3 0 01-6 0c0-2 2-2.5 3-5z", YELLOW)],
  bell: [area("M10 2a5 5 0 00-5 5v5l-2 3h14l-2-3V7a5 5 0 00-5-5z", YELLOW), line("M9 17.500h2", "#8d6e3f")],
  no_bell: [area("M10 2a5 5 0 00-5 5v5l-2 3h14l-2-3V7a5 5 0 00-5-5z", GREY), line("M3 3l14 14", RED)],
  mega: speaker, loudspeaker: speaker, phone: phone, iphone: phone, telephone_receiver: phone, calling: phone, pager: phone,
  hourglass, hourglass_flowing_sand: hourglass, stopwatch: clock, timer_clock: clock, alarm_clock: clock, memo: note, pencil: note,
  clipboard: note, page_facing_up: note, mag: lens, mag_right: lens, zap: bolt, arrow_up: arrow("M10 15V5M6 9l4-4 4 4"),
  arrow_down: arrow("M10 5v10M6 11l4 4 4-4"), arrow_right: arrow("M5 10h10M11 6l4 4-4 4"), arrow_left: arrow("M15 10H5M9 6l-4 4 4 4"),
  arrows_counterclockwise: arrow("M5 10a5 5 0 018.5-3.500M15 10a5 5 0 01-8.5 3.500M13.8 4v2.800h-2.800M6.2 16v-2.800H9"),
  arrow_forward: [...tile(BLUE), area("M7 5l8 5-8 5z", "#fff")], double_vertical_bar: [...tile(BLUE), line("M8 6v8M12 6v8")],
  black_square_for_stop: [...tile(BLUE), area("M6 6h8v8H6z", "#fff")], chart_with_upwards_trend: chart("M4 14l4-4 3 2 5-7", RED),
  chart_with_downwards_trend: chart("M4 6l4 4 3-2 5 7", BLUE), bar_chart: chart("M6 15v-4M10 15V6M14 15V9", GREEN),
  star: [area("M10 1.500l2.6 5.6 6 .7-4.4 4.2 1.2 6L10 15l-5.4 3 1.2-6L1.4 7.800l6-.7z", YELLOW)],
  eyes: [["ellipse", { cx: 6, cy: 10, rx: 4, ry: 6, fill: "#e4e8ee", stroke: GREY }], ["ellipse", { cx: 14, cy: 10, rx: 4, ry: 6, fill: "#e4e8ee", stroke: GREY }], ["circle", { cx: 5, cy: 11, r: 2, fill: "#31373d" }], ["circle", { cx: 13, cy: 11, r: 2, fill: "#31373d" }]],
  "+1": [area("M3 9h3v8H3zM7 9l3-7c2 0 2.5 1.5 2 3l-.5 2.500H16c1.5 0 2 1.5 1.7 2.500L16 16c-.3.8-1 1-1.8 1H7z", YELLOW)],
  tada: [area("M2 18L7 6l7 7z", YELLOW), line("M12 5l1-3M15 8l3-1M14 5l3-3", PURPLE)],
  rocket: [area("M13 2c3 0 5 0 5 0s0 2-.5 5L10 14l-4-4z", "#d5dce4"), area("M6 10l-4 2 2-4 4-1zM10 14l-2 4 4-2 1-4z", RED)],
  lock: [["path", { d: "M6.5 9V6a3.5 3.5 0 017 0v3", stroke: GREY, "stroke-width": 2, fill: "none" }], area("M4 9h12v9H4z", YELLOW)],
  link: [line("M8.5 11.500l3-3M7 9l-2.5 2.500a2.8 2.8 0 004 4L11 13M13 11l2.5-2.500a2.8 2.8 0 00-4-4L9 7", GREY)],
  gear: [...disc(GREY), ["circle", { cx: 10, cy: 10, r: 3, fill: "#fff" }]], wrench: [line("M5 15l7-7M12 8a3 3 0 104-4", GREY)],
  bust_in_silhouette: [["circle", { cx: 10, cy: 6.5, r: 4, fill: GREY }], area("M2.5 18a7.5 6 0 0115 0z", GREY)],
  wave: [area("M6 9l-2-3 1.5-1 4 4-3-5L8 3l4 5-2-5 1.7-.6L15 9l1-2c1 0 1.5 1 1.2 2L15 15c-1 3-5 3.5-7 1l-4-6z", YELLOW)],
};

/** The picture for a short name, or null. */
export function drawing(name) {
  const shapes = DRAWINGS[name];
  if (!shapes) return null;
  const picture = element("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" });
  picture.append(...shapes.map(([tag, attributes]) => element(tag, attributes)));
  return picture;
}

function element(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
