/* neurosieve report: filters on the index, charts on the study pages, copy buttons. The index reads fully without it. */
(() => {
  const $ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // charts: <div class="chart" data-spec="id" data-rows="id"> takes a figure's Vega-Lite spec and its own rows, both JSON
  const json = id => JSON.parse(document.getElementById(id).textContent);
  const failed = (el, why) => { el.dataset.done = "1"; el.textContent = `This chart could not be drawn; its numbers are in the table below. (${why})`; };
  // the picture has one label and its numbers are in the table beside it: Vega's own labels of box and marks are silenced
  const quiet = (el, label) => {
    el.setAttribute("role", "img"); el.setAttribute("aria-label", label); el.removeAttribute("aria-roledescription");
    $("svg", el).forEach(svg => svg.setAttribute("aria-hidden", "true"));
  };
  const draw = async el => {
    if (el.dataset.done) return;
    el.dataset.done = "1";
    const label = el.getAttribute("aria-label");
    try {
      const spec = { ...json(el.dataset.spec), ...json(el.dataset.rows) };
      const options = { mode: "vega-lite", renderer: "svg", actions: false, config: json("chart-theme"), tooltip: { theme: "custom" } };
      await window.vegaEmbed(el, spec, options);
      quiet(el, label);
    } catch (error) { failed(el, error.message); }
  };
  const charts = $(".chart[data-spec]");
  if (charts.length && window.vegaEmbed) {
    const seen = new IntersectionObserver(entries => entries.forEach(entry => {
      if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    }), { rootMargin: "600px" });
    charts.forEach(el => seen.observe(el));
    addEventListener("beforeprint", () => charts.forEach(draw));
  } else charts.forEach(el => failed(el, "assets/vega.js is missing"));

  // copy buttons
  $("[data-copy]").forEach(button => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).dataset.cmd;
      try { await navigator.clipboard.writeText(text); }
      catch {
        const area = document.createElement("textarea");
        area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
      }
      const was = button.textContent;
      button.textContent = "Copied"; setTimeout(() => { button.textContent = was; }, 1200);
    });
  });

  // a link to one study opens it
  const opened = () => {
    const one = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (one && one.matches(".study")) one.querySelector("details").open = true;
  };

  // ledger filters; their state lives in the address, so that a filtered view can be sent
  const form = document.getElementById("filters");
  if (!form) { opened(); return; }
  form.hidden = false;
  const count = document.getElementById("count"), empty = document.getElementById("empty");
  const studies = $(".study"), families = $(".family");
  const apply = () => {
    const f = new FormData(form), verdicts = f.getAll("v"), fragile = f.get("fragile"), query = (f.get("q") || "").trim().toLowerCase();
    const narrowed = verdicts.length || fragile || query;
    let claims = 0, shown = 0, some = 0;
    for (const study of studies) {
      const d = study.dataset, rows = $("tr[data-v]", study);
      const fits = (!f.get("data") || d.origin.split(" ").includes(f.get("data"))) && (!f.get("field") || d.field === f.get("field")) && (!f.get("state") || d.state === f.get("state"));
      const named = !query || d.text.includes(query);
      let n = 0;
      for (const row of rows) {
        const ok = fits && (!verdicts.length || verdicts.includes(row.dataset.v)) && (!fragile || row.dataset.fragile) && (named || row.dataset.text.includes(query));
        row.hidden = !ok; n += ok;
      }
      // a study without claims is shown by what it is, as long as no claim is asked for
      const bare = !rows.length && fits && named && !verdicts.length && !fragile;
      study.hidden = !n && !bare;
      claims += n; some += n > 0; shown += !study.hidden;
      if (narrowed && n && query) study.querySelector("details").open = true;
    }
    families.forEach(x => { x.hidden = !x.querySelector(".study:not([hidden])"); });
    count.textContent = `${claims} claim${claims === 1 ? "" : "s"} in ${some} stud${some === 1 ? "y" : "ies"}`;
    empty.hidden = shown > 0;
  };
  const write = () => {
    const p = new URLSearchParams([...new FormData(form)].filter(([, x]) => x));
    history.replaceState(null, "", p.size ? `#${p}` : location.pathname + location.search);
  };
  const read = () => {
    const p = new URLSearchParams(location.hash.slice(1));
    if (![...p.keys()].some(key => form.elements[key])) { opened(); return; }
    form.reset();
    for (const [key, x] of p) {
      const el = form.elements[key];
      if (!el) continue;
      if (el.length && !el.options) [...el].forEach(e => { if (e.value === x) e.checked = true; });
      else if (el.type === "checkbox") el.checked = el.value === x;
      else el.value = x;
    }
    apply();
  };
  addEventListener("hashchange", () => { read(); if (location.hash.includes("=")) document.getElementById("claims").scrollIntoView(); });
  form.addEventListener("input", () => { apply(); write(); });
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { apply(); write(); }));
  document.getElementById("openall").addEventListener("click", event => {
    const open = event.target.getAttribute("aria-pressed") !== "true";
    $(".study:not([hidden]) details").forEach(d => { d.open = open; });
    event.target.setAttribute("aria-pressed", open); event.target.textContent = open ? "Close all" : "Open all";
  });
  read();
})();
