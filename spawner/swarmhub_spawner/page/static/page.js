// Keeps the page as the store is: each server-sent event brings the part that changes, as HTML that
// the server has escaped. What has not changed stays, and so does the keyboard's place.
"use strict";
(() => {
  const live = document.getElementById("live");
  const shown = document.getElementById("shown");
  const connection = document.getElementById("connection");
  const field = document.getElementById("q");
  let source, again, late, query = location.search;

  function say(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  // Replaces children that differ; those with an id are looked into, so that rows are kept.
  function settle(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    const keyed = [...fresh.children].every((child) => child.id);
    if (!keyed || !fresh.children.length) {
      const inner = old.querySelector("tbody"), newer = fresh.querySelector("tbody");
      if (inner && newer && old.children.length === fresh.children.length && [...newer.children].every((row) => row.id)) {
        return settle(inner, newer);
      }
      const details = old.matches("details") && old.open;
      old.replaceWith(fresh);
      if (details) fresh.open = true;
      return;
    }
    let place = old.firstElementChild;
    for (const child of [...fresh.children]) {
      const known = [...old.children].find((one) => one.id === child.id);
      if (!known) {
        old.insertBefore(child, place);
        continue;
      }
      if (known === place) place = place.nextElementSibling;
      else old.insertBefore(known, place);
      settle(known, child);
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }

  function show(html) {
    const fresh = new DOMParser().parseFromString(`<div id="live">${html}</div>`, "text/html").getElementById("live");
    const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
    for (const { name, value } of live.attributes) fresh.setAttribute(name, value);
    settle(live, fresh);
    if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
    say(shown, live.querySelector("[data-summary]")?.dataset.summary ?? "");
  }

  // Browsers open six connections to a host: a page that nobody sees must not keep one.
  function rest() {
    clearTimeout(again);
    clearTimeout(late);
    late = undefined;
    source?.close();
  }

  function listen() {
    rest();
    if (document.hidden) return;
    const asked = new URLSearchParams(query);
    asked.set("_xsrf", live.dataset.xsrf);
    source = new EventSource(`${live.dataset.live}?${asked}`);
    source.onmessage = (event) => {
      clearTimeout(late);
      late = undefined;
      say(connection, "Live.");
      show(JSON.parse(event.data));
    };
    source.onerror = () => {
      // The server ends each stream after some minutes; that is made good at once, and no news.
      late ??= setTimeout(say, 4000, connection, "Not connected; trying again. If this lasts, load the page anew.");
      if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, 5000);
    };
  }

  function ask() {
    const asked = new URLSearchParams(location.search);
    asked.delete("page");
    asked.delete("done");
    if (field.value.trim()) asked.set("q", field.value.trim());
    else asked.delete("q");
    query = asked.size ? `?${asked}` : "";
    history.replaceState(null, "", location.pathname + query);
    listen();
  }

  if (field) {
    let typing;
    field.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(ask, 200);
    });
    field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(typing);
      ask();
    });
    document.addEventListener("keydown", (event) => {
      const elsewhere = !event.target.closest("input, textarea, select");
      if (event.key === "/" && elsewhere && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        field.focus();
      }
    });
  }
  document.documentElement.classList.add("js");
  document.addEventListener("visibilitychange", () => document.hidden ? rest() : listen());
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
})();
