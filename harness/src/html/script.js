"use strict";
// Sorting, searching and the switch of light and dark. Without it the page reads the same.
(() => {
  const number = (text) => {
    const value = Number(text.replace(/,/g, ""));
    return text.trim() === "" || Number.isNaN(value) ? null : value;
  };
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return { text: "" };
    const text = cell.textContent.trim();
    const value = number(cell.dataset.key ?? text);
    return cell.querySelector(".none") && cell.dataset.key === undefined ? null : { value, text };
  };
  // What is not known stands last, whichever way round; numbers before text.
  const compare = (a, b, factor) => {
    if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
    if (a.value !== null && b.value !== null) return factor * (a.value - b.value);
    if (a.value !== null || b.value !== null) return a.value !== null ? -1 : 1;
    return factor * a.text.localeCompare(b.text, ["en", "ko"], { numeric: true });
  };
  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const factor = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
    rows.sort((a, b) => compare(a.key, b.key, factor));
    body.append(...rows.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      head.setAttribute("aria-sort", index === column ? direction : "none");
    });
  };
  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      if (head.title) button.title = head.title;
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        // Numbers are looked at from the top.
        const first = head.classList.contains("number") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        sort(table, column, head.getAttribute("aria-sort") === first ? other : first);
      });
    });
  };
  const MANY = 12;
  const makeSearchable = (region, table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < MANY) return;
    const label = document.createElement("label");
    label.className = "filter";
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", `Filter rows of: ${table.caption.textContent}`);
    const count = document.createElement("span");
    count.setAttribute("aria-live", "polite");
    label.append(input, count);
    region.before(label);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  };
  for (const region of document.querySelectorAll(".table.sortable")) {
    const table = region.querySelector("table");
    if (table.tBodies[0].rows.length > 1) makeSortable(table);
    makeSearchable(region, table);
  }

  // Light and dark: as the system has it until the reader chooses. A file may not be allowed to remember.
  const root = document.documentElement;
  const stored = (value) => {
    try {
      if (value !== undefined) localStorage.setItem("kobench-theme", value);
      return localStorage.getItem("kobench-theme");
    } catch {
      return null;
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const button = document.createElement("button");
  button.type = "button";
  const show = () => {
    button.textContent = isDark() ? "☀ Light" : "☾ Dark";
    button.setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours");
  };
  const before = stored();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
  document.getElementById("tools").append(button);

  // Which section is being read. Links to what is folded open it.
  const links = new Map([...document.querySelectorAll(".bar nav a")].map((a) => [a.hash.slice(1), a]));
  const watch = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        const link = links.get(entry.target.id);
        link?.setAttribute("aria-current", "true");
        const nav = link?.closest("nav");
        if (nav) nav.scrollLeft = link.offsetLeft - nav.offsetLeft - nav.clientWidth / 3;
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  document.querySelectorAll("main > section").forEach((section) => watch.observe(section));
  // Paper cannot be unfolded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
})();
