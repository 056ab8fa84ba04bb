// Works off a challenge in the format of ALTCHA: which number, written behind the salt, has the SHA-256 that is asked
// for? In a worker, so that the page stays quick; by hand, because crypto.subtle is missing on pages without TLS.
const K = new Int32Array(64), START = new Int32Array(8);
for (let n = 2, found = 0; found < 64; n += 1) {
  let prime = true;
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) { prime = false; break; }
  if (!prime) continue;
  if (found < 8) START[found] = ((Math.sqrt(n) % 1) * 2 ** 32) | 0;
  K[found] = ((Math.cbrt(n) % 1) * 2 ** 32) | 0;
  found += 1;
}
const turn = (x, by) => (x >>> by) | (x << (32 - by));

// The hash of some ASCII characters, as eight words; the arrays are used again and again.
const w = new Int32Array(64), state = new Int32Array(8);
const digest = (text) => {
  const length = text.length, blocks = ((length + 8) >> 6) + 1, words = new Int32Array(blocks * 16);
  state.set(START);
  for (let at = 0; at < length; at += 1) words[at >> 2] |= text.charCodeAt(at) << (24 - (at & 3) * 8);
  words[length >> 2] |= 0x80 << (24 - (length & 3) * 8);
  words[blocks * 16 - 1] = length * 8;
  for (let block = 0; block < blocks; block += 1) {
    for (let t = 0; t < 64; t += 1) {
      if (t < 16) { w[t] = words[block * 16 + t]; continue; }
      const a = w[t - 15], b = w[t - 2];
      w[t] = w[t - 16] + w[t - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let t = 0; t < 64; t += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
  return state;
};
export const sha256 = (text) => [...digest(text)].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");

self.onmessage = ({ data: { challenge, salt, maxnumber } }) => {
  const first = parseInt(challenge.slice(0, 8), 16) | 0;
  for (let number = 0; number <= maxnumber; number += 1) {
    if (digest(salt + number)[0] === first && sha256(salt + number) === challenge) { postMessage(number); return; }
  }
  postMessage(null);
};
