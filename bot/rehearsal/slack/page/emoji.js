// The emoji that bots use, by Slack's short names. A name that is not here is shown as `:name:`.

import { h } from "./element.js";
import { drawing } from "./emoji_drawings.js";

const NAMES = `
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|ok_hand 👌|wave 👋|clap 👏|raised_hands 🙌|pray 🙏|muscle 💪|point_right 👉|point_left 👈
point_up 👆|point_down 👇|raised_hand ✋|hand ✋|handshake 🤝|writing_hand ✍️|eyes 👀|eye 👁️|brain 🧠|ear 👂
smile 😄|smiley 😃|grinning 😀|grin 😁|joy 😂|sweat_smile 😅|slightly_smiling_face 🙂|wink 😉|blush 😊|sunglasses 😎
thinking_face 🤔|neutral_face 😐|confused 😕|worried 😟|cry 😢|sob 😭|scream 😱|rage 😡|sleeping 😴|zzz 💤|tired_face 😫
face_with_monocle 🧐|exploding_head 🤯|saluting_face 🫡|robot_face 🤖|ghost 👻|skull 💀|facepalm 🤦|shrug 🤷|partying_face 🥳
heart ❤️|orange_heart 🧡|yellow_heart 💛|green_heart 💚|blue_heart 💙|purple_heart 💜|broken_heart 💔|sparkles ✨|star ⭐|star2 🌟
boom 💥|fire 🔥|zap ⚡|100 💯|tada 🎉|confetti_ball 🎊|trophy 🏆|medal 🏅|gift 🎁|balloon 🎈|rocket 🚀
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_multiplication_x ✖️
warning ⚠️|rotating_light 🚨|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|stop_sign 🛑|construction 🚧|sos 🆘|bangbang ‼️
exclamation ❗|heavy_exclamation_mark ❗|grey_exclamation ❕|question ❓|grey_question ❔|information_source ℹ️|bulb 💡
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|blue_circle 🔵
large_purple_circle 🟣|large_brown_circle 🟤|black_circle ⚫|white_circle ⚪|large_red_square 🟥|large_orange_square 🟧
large_yellow_square 🟨|large_green_square 🟩|large_blue_square 🟦|large_purple_square 🟪|black_large_square ⬛|white_large_square ⬜
black_small_square ▪️|white_small_square ▫️|small_red_triangle 🔺|small_red_triangle_down 🔻|small_orange_diamond 🔸|small_blue_diamond 🔹
arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|arrow_upper_right ↗️|arrow_lower_right ↘️|arrow_forward ▶️|arrow_backward ◀️
arrows_counterclockwise 🔄|arrows_clockwise 🔃|repeat 🔁|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️|fast_forward ⏩|rewind ⏪
double_vertical_bar ⏸️|pause_button ⏸️|black_square_for_stop ⏹️|heavy_plus_sign ➕|heavy_minus_sign ➖|recycle ♻️
bell 🔔|no_bell 🔕|mega 📣|loudspeaker 📢|phone 📞|telephone_receiver 📞|telephone ☎️|iphone 📱|calling 📲|pager 📟|fax 📠
email 📧|envelope ✉️|incoming_envelope 📨|mailbox 📫|inbox_tray 📥|outbox_tray 📤|speech_balloon 💬|thought_balloon 💭
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|timer_clock ⏲️|alarm_clock ⏰|watch ⌚|clock1 🕐|clock3 🕒|clock9 🕘|date 📅
calendar 📆|spiral_calendar_pad 🗓️|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|clipboard 📋|memo 📝
pencil 📝|pencil2 ✏️|page_facing_up 📄|page_with_curl 📃|scroll 📜|bookmark 🔖|bookmark_tabs 📑|book 📖|books 📚|notebook 📓
file_folder 📁|open_file_folder 📂|card_index_dividers 🗂️|file_cabinet 🗄️|wastebasket 🗑️|paperclip 📎|pushpin 📌|round_pushpin 📍
link 🔗|lock 🔒|unlock 🔓|key 🔑|closed_lock_with_key 🔐|shield 🛡️|mag 🔍|mag_right 🔎|microscope 🔬|telescope 🔭
gear ⚙️|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|nut_and_bolt 🔩|toolbox 🧰|test_tube 🧪|electric_plug 🔌|battery 🔋|computer 💻
desktop_computer 🖥️|keyboard ⌨️|floppy_disk 💾|minidisc 💽|cd 💿|package 📦|bug 🐛|lady_beetle 🐞|satellite_antenna 📡|satellite 🛰️
globe_with_meridians 🌐|earth_asia 🌏|earth_americas 🌎|earth_africa 🌍|world_map 🗺️|compass 🧭|cloud ☁️|sunny ☀️|partly_sunny ⛅
rain_cloud 🌧️|thunder_cloud_and_rain ⛈️|snowflake ❄️|umbrella ☔|rainbow 🌈|tornado 🌪️|ocean 🌊|droplet 💧|crescent_moon 🌙
ambulance 🚑|fire_engine 🚒|hospital 🏥|helmet_with_white_cross ⛑️|fire_extinguisher 🧯|adhesive_bandage 🩹|stethoscope 🩺|pill 💊
ship 🚢|boat ⛵|sailboat ⛵|speedboat 🚤|canoe 🛶|anchor ⚓|ring_buoy 🛟|buoy 🛟|airplane ✈️|car 🚗|bus 🚌|train 🚆|bike 🚲
checkered_flag 🏁|triangular_flag_on_post 🚩|white_flag 🏳️|dart 🎯|game_die 🎲|jigsaw 🧩|crystal_ball 🔮|scales ⚖️|moneybag 💰
dollar 💵|credit_card 💳|coffee ☕|beer 🍺|pizza 🍕|cake 🍰|apple 🍎|seedling 🌱|evergreen_tree 🌲|cherry_blossom 🌸|sunflower 🌻
dog 🐶|cat 🐱|unicorn_face 🦄|turtle 🐢|whale 🐳|octopus 🐙|bird 🐦|penguin 🐧|ladder 🪜|door 🚪|house 🏠|office 🏢|factory 🏭
busts_in_silhouette 👥|bust_in_silhouette 👤|man-firefighter 👨‍🚒|woman-firefighter 👩‍🚒|male-technologist 👨‍💻|female-technologist 👩‍💻
technologist 🧑‍💻|detective 🕵️|construction_worker 👷|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣
keycap_ten 🔟|zero 0️⃣|new 🆕|free 🆓|up 🆙|cool 🆒|ok 🆗|end 🔚|soon 🔜|back 🔙|on 🔛|top 🔝|flag-kr 🇰🇷|kr 🇰🇷|flag-us 🇺🇸|us 🇺🇸|flag-jp 🇯🇵|jp 🇯🇵`;

const GLYPHS = new Map(
  NAMES.trim()
    .split(/[\n|]/)
    .map((entry) => entry.trim().split(" ")),
);

export const SHORTCODE = /:([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?/u;

/** The emoji, drawn by the system's font or, where it has none, by a picture of ours; unknown names stay `:name:`. */
export function emoji(name, unicode) {
  const glyph = unicode ? fromCodePoints(unicode) : GLYPHS.get(name);
  if (!glyph) return `:${name}:`;
  const label = { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` };
  if (fontDrawsColour()) return h("span", label, glyph);
  const picture = drawing(name);
  return picture ? h("span", label, picture) : `:${name}:`;
}

/** Plain text with its short names turned into emoji, and nothing else. */
export function withEmoji(text) {
  const nodes = [];
  let rest = text;
  for (let found = SHORTCODE.exec(rest); found; found = SHORTCODE.exec(rest)) {
    nodes.push(rest.slice(0, found.index), emoji(found[1]));
    rest = rest.slice(found.index + found[0].length);
  }
  return [...nodes, rest];
}

function fromCodePoints(unicode) {
  const points = unicode.split("-").map((point) => Number.parseInt(point, 16));
  return points.every((point) => point > 0 && point <= 0x10ffff) ? String.fromCodePoint(...points) : null;
}

let coloured;

// Machines without an emoji font (containers, some Linux desktops) would show empty boxes.
function fontDrawsColour() {
  if (coloured !== undefined) return coloured;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 24;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.textBaseline = "top";
  pen.font = "20px sans-serif";
  pen.fillText("\u{1F6A8}", 0, 0);
  const { data } = pen.getImageData(0, 0, 24, 24);
  coloured = false;
  for (let at = 0; at < data.length && !coloured; at += 4) {
    coloured = data[at + 3] > 0 && Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]) > 40;
  }
  return coloured;
}
