// What every module needs: finding elements, listening for many, asking the server.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const on = (type, selector, handler, options) =>
  document.addEventListener(type, (event) => {
    const found = event.target.closest?.(selector);
    if (found) handler(event, found);
  }, options);

// Asks the server for something, as a page of the organization it was opened in: if the session works in another one
// by now (a second tab), nothing of that one is answered.
export const get = (url, { headers = {}, ...options } = {}) => {
  const organization = $("meta[name=organization]")?.content;
  return fetch(url, { ...options, headers: { "X-Requested-With": "fetch", ...(organization && { "X-Organization": organization }), ...headers } });
};

// The same if there is news since this page asked last: null if nothing has changed, the session ended, or the
// organization is another one. forget() makes the next answer news again.
const tags = new Map();
export const news = async (url, headers = {}) => {
  const known = tags.has(url) ? { "If-None-Match": tags.get(url) } : {};
  const answer = await get(url, { headers: { ...known, ...headers }, cache: "no-store" });
  if (answer.status !== 200 || answer.redirected) return null;
  if (answer.headers.has("ETag")) tags.set(url, answer.headers.get("ETag"));
  return answer;
};
export const forget = (url) => tags.delete(url);

// Posts a form with the page's token; returns the JSON, throws an Error with the server's sentence.
export const post = async (url, fields = {}) => {
  const body = new URLSearchParams(fields);
  const org = $("meta[name=organization]")?.content;
  if (org) body.set("_org", org);
  const token = $("meta[name=csrf-token]")?.content || "";
  const response = await get(url, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail || response.statusText), { status: response.status, answer });
  return answer;
};
