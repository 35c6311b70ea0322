// Functions that run in the page; each gives a list of what is wrong, one sentence each.

/** Every table has a caption and scopes, every chart a title and a role, headings come in order, ids are unique. */
export const structure = () => {
  const wrong = [];
  const name = (element) => element.closest("section")?.id ?? element.tagName;
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent.trim()) wrong.push(`a table of ${name(table)} has no caption`);
    if (table.querySelector("th:not([scope])")) wrong.push(`a table of ${name(table)} has th without scope`);
    const columns = table.tHead.rows[0].cells.length;
    if ([...table.tBodies[0].rows].some((row) => row.cells.length !== columns)) {
      wrong.push(`rows of a table of ${name(table)} have not ${columns} cells`);
    }
    if (!table.closest('[role="region"][tabindex="0"][aria-label]')) {
      wrong.push(`a table of ${name(table)} cannot be scrolled by keyboard`);
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    if (!svg.querySelector(":scope > title")?.textContent.trim()) wrong.push(`a chart of ${name(svg)} has no title`);
    if (svg.getAttribute("role") !== "img") wrong.push(`a chart of ${name(svg)} is no image to screen readers`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) wrong.push(`h${own} "${heading.textContent}" follows h${level}`);
    level = own;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) wrong.push(`id ${id} is there twice`);
  for (const landmark of ["header", "nav", "main", "footer"]) {
    if (document.querySelectorAll(landmark).length !== 1) wrong.push(`there is not one ${landmark}`);
  }
  for (const link of document.querySelectorAll("a")) {
    if (!document.getElementById(link.getAttribute("href").slice(1))) wrong.push(`${link.href} leads nowhere`);
  }
  return wrong;
};

/** Nothing but regions that scroll by themselves is wider than the window. */
export const overflow = () => {
  const width = document.documentElement.clientWidth;
  const wrong = [];
  const page = document.documentElement.scrollWidth;
  if (page > width) wrong.push(`the page is ${page} wide in a window of ${width}`);
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    if (element.closest(".table, .chart, pre")) continue;
    const right = element.getBoundingClientRect().right;
    if (right > width + 1) wrong.push(`${element.tagName}.${element.className} ends at ${right} of ${width}`);
  }
  return wrong.slice(0, 5);
};

/** Text is at least 4.5 times as light as what it stands on, or the other way round (WCAG 2, 1.4.3). */
export const contrast = () => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 200) return colour;
    }
    return [255, 255, 255, 255];
  };
  const wrong = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("svg, script, .skip")) continue;
    const key = `${element.tagName}.${element.className}<${element.parentElement.className}`;
    if (seen.has(key) || !element.checkVisibility()) continue;
    seen.add(key);
    const [text, ground] = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
    if (ratio < 4.5) wrong.add(`${key}: contrast ${ratio.toFixed(2)}`);
  }
  return [...wrong];
};

/** The values of the column that is sorted stand in order; none where there is nothing to sort. */
export const sorted = () => {
  const head = document.querySelector('th[aria-sort="ascending"], th[aria-sort="descending"]');
  if (!head) return ["no column is sorted"];
  const factor = head.getAttribute("aria-sort") === "ascending" ? 1 : -1;
  const cells = [...head.closest("table").tBodies[0].rows].map((row) => row.cells[head.cellIndex]);
  const known = cells.filter((cell) => !cell.querySelector(".none"));
  const values = known.map((cell) => cell.dataset.key ?? cell.textContent);
  const inOrder = values.every((value, index) => {
    if (index === 0) return true;
    const [a, b] = [Number(values[index - 1]), Number(value)];
    if (Number.isNaN(a) || Number.isNaN(b)) return factor * values[index - 1].localeCompare(value, ["en", "ko"], { numeric: true }) <= 0;
    return factor * (a - b) <= 0;
  });
  return inOrder ? [] : [`not in order: ${values.join(" ")}`];
};
