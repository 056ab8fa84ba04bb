// What every module needs: finding elements, listening for many, asking the server.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const on = (type, selector, handler, options) =>
  document.addEventListener(type, (event) => {
    const found = event.target.closest?.(selector);
    if (found) handler(event, found);
  }, options);

// Posts a form with the page's token; returns the JSON, throws an Error with the server's sentence.
export const post = async (url, fields = {}) => {
  const body = new URLSearchParams(fields);
  const org = $("meta[name=organization]")?.content;
  if (org) body.set("_org", org);
  const token = $("meta[name=csrf-token]")?.content || "";
  const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail || response.statusText), { status: response.status, answer });
  return answer;
};
