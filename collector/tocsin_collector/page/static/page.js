// Fetches the page again at its beat and puts the new content in place: scroll, open details and the keyboard's place stay.
"use strict";
const beat = Number(document.body.dataset.refresh) * 1000;

async function refresh() {
  const active = document.activeElement;
  if (document.hidden || (active && active.matches("input, select, textarea")) || String(getSelection()) !== "") return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.status);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const open = [...document.querySelectorAll("main details")].map((item) => item.open);
  const focus = active && active.closest("main a[href]") ? active.getAttribute("href") : null;
  for (const part of ["main", ".top"]) document.querySelector(part).replaceWith(next.querySelector(part));
  document.title = next.title;
  document.querySelectorAll("main details").forEach((item, index) => { item.open = open[index] ?? item.open; });
  if (focus) [...document.querySelectorAll("main a[href]")].find((link) => link.getAttribute("href") === focus)?.focus({ preventScroll: true });
}

async function keep() {
  try {
    await refresh();
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale"); // the collector does not answer: what is shown is old, and says so
  }
  setTimeout(keep, beat);
}

if (beat > 0) setTimeout(keep, beat);
