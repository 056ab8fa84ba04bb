// The official JavaScript client: joins, prints what it receives as lines of JSON, ends when told to.
import { RealtimeClient } from "@supabase/realtime-js";

const [url, key, table] = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));
const client = new RealtimeClient(url, { params: { apikey: key } });
client.setAuth(key);
const channel = client.channel("requests", { config: { broadcast: { self: true } } });
channel
  .on("postgres_changes", { event: "*", schema: "public", table }, ({ eventType, new: row, old }) => say({ type: eventType, id: row.id ?? old.id, number: row.number ?? null }))
  .on("broadcast", { event: "note" }, ({ payload }) => say({ type: "BROADCAST", id: payload.id }))
  .subscribe((status) => {
    say({ type: status });
    if (status === "SUBSCRIBED") channel.send({ type: "broadcast", event: "note", payload: { id: "grüß" } });
  });
process.stdin.on("end", () => process.exit(0)).resume();
