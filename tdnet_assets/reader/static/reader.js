// What the pages do beside what they are: today's list grows, and a few keys lead somewhere.
"use strict";

(() => {
  const rows = document.querySelector("[data-grows]");
  const parts = ["rows", "strip", "count"];
  let etag = null;

  // Only the newest page grows: who reads further back stays where he is.
  const grows = rows && !new URLSearchParams(location.search).has("cursor");

  async function look() {
    if (document.hidden) return;
    const headers = etag ? { "If-None-Match": etag } : {};
    let answer;
    try {
      answer = await fetch(location.href, { headers, cache: "no-store", credentials: "same-origin" });
    } catch {
      return; // the next look may find it again
    }
    if (answer.status !== 200) return;
    const before = etag;
    etag = answer.headers.get("ETag");
    if (before === null) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of parts) {
      const here = document.getElementById(id);
      const there = page.getElementById(id);
      // Nobody loses the place of the keyboard to a row that is new.
      if (here && there && !here.contains(document.activeElement)) {
        here.innerHTML = there.innerHTML;
      }
    }
  }

  if (grows) {
    look();
    setInterval(look, Number(rows.dataset.grows) * 1000);
    document.addEventListener("visibilitychange", look);
  }

  // By hand: scrollIntoView would move the place from which Tab goes on.
  const day = document.querySelector(".strip [aria-current]");
  if (day) {
    const list = day.closest("ol");
    const place = list.getBoundingClientRect();
    list.scrollLeft += day.getBoundingClientRect().left - place.left - place.width / 2;
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]" };
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("find").focus();
    } else if (links[event.key] && !event.target.closest(".scroll, ol")) {
      const link = document.querySelector(links[event.key]);
      if (link) link.click();
    }
  });
})();
