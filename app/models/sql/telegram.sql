-- Telegram: who keeps which bot, which one is in force, chats found by a code, and the way of each message.

-- -- bots ----------------------------------------------------------------------------------------------------------

-- Everybody on the staff keeps a bot of their own; the organization's is kept by who may.
--: definer
CREATE FUNCTION app.assert_keeps_telegram(p_user integer) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT (app.is_system() OR app.is_staff() AND (app.org_wide('telegram', 'update') OR p_user IS NOT DISTINCT FROM app.current_user_id() AND p_user IS NOT NULL)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
END
$$;

-- Keeps a token that Telegram has confirmed, in the place of the one before; p_token is sealed. A bot serves one owner: two
-- programs that read one bot take each other's messages away.
--: definer; execute: staff
CREATE FUNCTION app.put_telegram_bot(p_id uuid, p_user integer, p_token text, p_number bigint, p_username text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_id uuid;
BEGIN
  PERFORM app.assert_keeps_telegram(p_user);
  IF p_user IS NOT NULL AND NOT EXISTS (SELECT FROM members WHERE org_id = v_org AND user_id = p_user AND removed_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('telegram bot ' || p_number, 0));
  IF EXISTS (SELECT FROM telegram_bots WHERE number = p_number AND (org_id, user_id) IS DISTINCT FROM (v_org, p_user)) THEN
    RAISE EXCEPTION 'This bot is in use already: make another one for this with the BotFather.' USING ERRCODE = 'VR409', COLUMN = 'token';
  END IF;
  -- The id goes into the seal of the token; chats of another bot are not this one's.
  DELETE FROM telegram_bots WHERE org_id = v_org AND user_id IS NOT DISTINCT FROM p_user AND id <> p_id AND number <> p_number;
  UPDATE telegram_bots SET token = p_token, username = p_username, verified = true, health_status = 'healthy', health_reason = '',
    last_health_check = app.now() WHERE org_id = v_org AND user_id IS NOT DISTINCT FROM p_user AND id = p_id RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    INSERT INTO telegram_bots (org_id, id, user_id, token, number, username, verified, health_status, last_health_check, created_by)
    VALUES (v_org, p_id, p_user, p_token, p_number, p_username, true, 'healthy', app.now(), app.current_user_id()) RETURNING id INTO v_id;
  END IF;
  RETURN v_id;
END
$$;

--: definer; execute: staff
CREATE FUNCTION app.remove_telegram_bot(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bot telegram_bots;
BEGIN
  SELECT * INTO v_bot FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id;
  IF v_bot.id IS NULL OR NOT (app.can('telegram', 'read') OR v_bot.user_id IS NOT DISTINCT FROM app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_bot.user_id);
  DELETE FROM telegram_bots WHERE org_id = v_bot.org_id AND id = p_id;
END
$$;

-- Whose bot is in force for a person (none: the organization): their own, else the organization's; no row: the installation's.
-- One that is broken stays in force, so that it is mended rather than passed over.
--: definer; execute: staff
CREATE FUNCTION app.telegram_bot_of(p_user integer)
RETURNS TABLE (id uuid, source text, username text, health_status text, health_reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.id, CASE WHEN b.user_id IS NULL THEN 'organization' ELSE 'user' END, b.username, b.health_status, b.health_reason
  FROM telegram_bots b WHERE b.org_id = app.current_org() AND (b.user_id = p_user OR b.user_id IS NULL)
    AND (app.is_system() OR app.can('telegram', 'read') OR p_user IS NOT DISTINCT FROM app.current_user_id())
  ORDER BY b.user_id NULLS LAST LIMIT 1
$$;

-- The sealed token, for the code that asks Telegram.
--: definer; execute: staff
CREATE FUNCTION app.telegram_token(p_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT b.token FROM telegram_bots b WHERE b.org_id = app.current_org() AND b.id = p_id
    AND (app.is_system() OR app.org_wide('telegram', 'update') OR b.user_id = app.current_user_id())
$$;

-- Remembers what happened to a bot; of its successes not each one.
--: definer
CREATE FUNCTION app.note_telegram(p_org uuid, p_bot uuid, p_kind text, p_chat uuid, p_update bigint, p_code integer, p_reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  INSERT INTO telegram_health_events AS e (org_id, bot_id, kind, happened_at, chat_id, update_id, error_code, reason)
  SELECT p_org, p_bot, p_kind, app.now(), p_chat, p_update, p_code, left(coalesce(p_reason, ''), 300)
  WHERE p_org IS NOT NULL AND NOT EXISTS (SELECT FROM telegram_health_events k WHERE k.org_id = p_org AND k.bot_id IS NOT DISTINCT FROM p_bot AND k.kind = p_kind
                    AND p_kind IN ('sent', 'received') AND k.happened_at > app.now() - interval '10 seconds')
  ON CONFLICT (org_id, bot_id, kind) DO UPDATE SET happened_at = excluded.happened_at, times = e.times + 1, chat_id = excluded.chat_id,
    update_id = excluded.update_id, error_code = excluded.error_code, reason = excluded.reason
$$;

-- What Telegram said of a bot when somebody, or the product, asked.
--: definer; execute: staff
CREATE FUNCTION app.note_telegram_health(p_id uuid, p_status text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_bot telegram_bots;
BEGIN
  SELECT * INTO v_bot FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_bot.id IS NULL THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_bot.user_id);
  -- Each change is audited: that nothing changed is noted once a day here, and each time among the events.
  UPDATE telegram_bots SET health_status = p_status, health_reason = left(p_reason, 300), last_health_check = app.now()
  WHERE org_id = v_bot.org_id AND id = p_id
    AND (health_status <> p_status OR health_reason <> left(p_reason, 300) OR last_health_check IS NULL OR last_health_check < app.now() - interval '1 day');
  PERFORM app.note_telegram(v_bot.org_id, p_id, CASE WHEN p_status = 'broken' THEN 'refused' WHEN p_reason <> '' THEN 'taken' ELSE 'checked' END,
                            NULL, NULL, NULL, p_reason);
  IF p_status = 'broken' AND v_bot.health_status <> 'broken' THEN
    PERFORM app.enqueue('telegram.broken', jsonb_build_object('bot_id', p_id));
  END IF;
END
$$;

-- -- chats ---------------------------------------------------------------------------------------------------------

-- Asks for a chat: whoever sends the code to the bot in time, from there, links it.
--: definer; execute: staff
CREATE FUNCTION app.begin_telegram_link(p_id uuid, p_user integer, p_hostel uuid, p_bot uuid, p_purpose text, p_digest text, p_lifetime interval) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_id uuid;
BEGIN
  PERFORM app.assert_keeps_telegram(p_user);
  IF p_bot IS NOT NULL AND NOT EXISTS (SELECT FROM telegram_bots WHERE org_id = v_org AND id = p_bot AND (user_id IS NULL OR user_id = p_user)) THEN
    RAISE EXCEPTION 'There is no such bot.' USING ERRCODE = 'VR404';
  END IF;
  INSERT INTO telegram_chats (org_id, id, user_id, hostel_id, bot_id, purpose, code_digest, code_expires_at, created_by)
  VALUES (v_org, p_id, p_user, p_hostel, p_bot, p_purpose, p_digest, app.now() + p_lifetime, app.current_user_id())
  ON CONFLICT (org_id, user_id, bot_id, purpose, hostel_id) DO UPDATE SET code_digest = excluded.code_digest, code_expires_at = excluded.code_expires_at
  RETURNING id INTO v_id;
  RETURN v_id;
END
$$;

--: definer; execute: staff
CREATE FUNCTION app.remove_telegram_chat(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_chat telegram_chats;
BEGIN
  SELECT * INTO v_chat FROM telegram_chats WHERE org_id = app.current_org() AND id = p_id;
  IF v_chat.id IS NULL OR NOT (app.can('telegram', 'read') OR v_chat.user_id IS NOT DISTINCT FROM app.current_user_id()) THEN
    RAISE EXCEPTION 'There is no such chat.' USING ERRCODE = 'VR404';
  END IF;
  PERFORM app.assert_keeps_telegram(v_chat.user_id);
  DELETE FROM telegram_chats WHERE org_id = v_chat.org_id AND id = p_id;
END
$$;

-- A code that came to a bot: it works once, in time, at the bot that it was made for. The chat that it linked.
--: definer; execute: service
CREATE FUNCTION app.link_telegram_chat(p_bot uuid, p_digest text, p_number bigint, p_title text, p_group boolean) RETURNS TABLE (org_id uuid, id uuid, purpose text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_chats c SET number = p_number, title = left(p_title, 200), is_group = p_group, code_digest = NULL, code_expires_at = NULL,
    linked_at = app.now(), blocked_at = NULL, blocked_reason = ''
  WHERE c.code_digest = p_digest AND c.code_expires_at > app.now() AND c.bot_id IS NOT DISTINCT FROM p_bot
  RETURNING c.org_id, c.id, c.purpose
$$;

-- -- out -----------------------------------------------------------------------------------------------------------

-- Puts a message, in parts that fit, on its way to the chat that is in force; asked for again with the same key, it is the same
-- message. NULL where there is no chat that can be written to: the bot in force is broken, nothing is linked, or it is off.
--: definer; execute: portal_admin
CREATE FUNCTION app.queue_telegram(p_user integer, p_hostel uuid, p_purpose text, p_key text, p_parts text[], p_html boolean, p_buttons jsonb)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_bot record;
  v_chat uuid;
  v_id uuid;
BEGIN
  PERFORM app.assert_system();
  SELECT id INTO v_id FROM telegram_messages WHERE org_id = v_org AND key = p_key AND part = 1;
  IF v_id IS NOT NULL THEN
    RETURN v_id;
  END IF;
  SELECT * INTO v_bot FROM app.telegram_bot_of(p_user);
  IF v_bot.health_status = 'broken' THEN
    RETURN NULL;
  END IF;
  SELECT c.id INTO v_chat FROM telegram_chats c
  WHERE c.org_id = v_org AND c.bot_id IS NOT DISTINCT FROM v_bot.id AND c.user_id IS NOT DISTINCT FROM p_user AND c.purpose = p_purpose
    AND (c.hostel_id IS NULL OR c.hostel_id = p_hostel) AND c.linked_at IS NOT NULL AND c.blocked_at IS NULL
  ORDER BY c.hostel_id NULLS LAST LIMIT 1;
  IF v_chat IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO telegram_messages (org_id, chat_id, key, part, body, html, buttons)
  SELECT v_org, v_chat, p_key, part, body, p_html, CASE WHEN part = cardinality(p_parts) THEN p_buttons ELSE '[]' END
  FROM unnest(p_parts) WITH ORDINALITY AS u(body, part) ORDER BY part
  ON CONFLICT (org_id, key, part) DO NOTHING;
  SELECT id INTO v_id FROM telegram_messages WHERE org_id = v_org AND key = p_key AND part = 1;
  RETURN v_id;
END
$$;

-- The next message of each chat, if it is due and nobody holds it: so the order within a chat is kept, whoever sends. It takes as
-- long as there are chats with something to send, however much that is.
--: definer; execute: service
CREATE FUNCTION app.claim_telegram(p_worker text, p_most integer, p_lease interval)
RETURNS TABLE (org_id uuid, id uuid, bot_id uuid, chat_id uuid, chat_number bigint, is_group boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH RECURSIVE heads AS (
    (SELECT m.chat_id, m.number FROM telegram_messages m WHERE m.state = 'pending' ORDER BY m.chat_id, m.number LIMIT 1)
    UNION ALL
    SELECT n.chat_id, n.number FROM heads h CROSS JOIN LATERAL (
      SELECT m.chat_id, m.number FROM telegram_messages m WHERE m.state = 'pending' AND m.chat_id > h.chat_id ORDER BY m.chat_id, m.number LIMIT 1) n),
  free AS (
    SELECT m.org_id, m.id FROM heads h JOIN telegram_messages m ON m.chat_id = h.chat_id AND m.number = h.number AND m.state = 'pending'
    WHERE m.due_at <= clock_timestamp() AND (m.claimed_until IS NULL OR m.claimed_until < clock_timestamp())
    ORDER BY m.due_at, m.number LIMIT p_most FOR UPDATE OF m SKIP LOCKED),
  taken AS (
    UPDATE telegram_messages m SET claimed_by = p_worker, claimed_until = clock_timestamp() + p_lease FROM free
    WHERE m.org_id = free.org_id AND m.id = free.id RETURNING m.org_id, m.id, m.chat_id, m.due_at, m.number)
  SELECT t.org_id, t.id, c.bot_id, c.id, c.number, c.is_group FROM taken t JOIN telegram_chats c ON c.org_id = t.org_id AND c.id = t.chat_id
  ORDER BY t.due_at, t.number
$$;

-- Counts an attempt that is about to be made; no row where the message is no longer this worker's.
--: definer; execute: service
CREATE FUNCTION app.begin_telegram(p_id uuid, p_worker text, p_lease interval) RETURNS TABLE (body text, html boolean, buttons jsonb, attempts integer, token text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH begun AS (
    UPDATE telegram_messages SET attempts = attempts + 1, attempted_at = clock_timestamp(), claimed_until = clock_timestamp() + p_lease
    WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker RETURNING *)
  SELECT m.body, m.html, m.buttons, m.attempts, b.token FROM begun m JOIN telegram_chats c ON c.org_id = m.org_id AND c.id = m.chat_id
  LEFT JOIN telegram_bots b ON b.org_id = c.org_id AND b.id = c.bot_id
$$;

-- What became of an attempt. p_outcome: sent; later (p_pause, p_uncertain if it may have arrived); plain (the text again, p_text, as
-- plain text); failed; gone (nothing will ever arrive there: all that waits for the chat fails, and its owner is told); moved (the
-- chat has another number); broken (Telegram does not know the bot).
--: definer; execute: service
CREATE FUNCTION app.settle_telegram(p_id uuid, p_worker text, p_outcome text, p_number bigint, p_pause interval, p_uncertain boolean, p_code integer,
                                    p_reason text, p_text text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row telegram_messages;
  v_bot uuid;
BEGIN
  UPDATE telegram_messages SET claimed_by = NULL, claimed_until = NULL,
    state = CASE WHEN p_outcome = 'sent' THEN 'sent' WHEN p_outcome IN ('failed', 'gone') THEN 'failed' ELSE 'pending' END,
    sent_at = CASE WHEN p_outcome = 'sent' THEN clock_timestamp() END, message_number = CASE WHEN p_outcome = 'sent' THEN p_number END,
    due_at = CASE WHEN p_outcome IN ('later', 'plain', 'broken', 'moved') THEN clock_timestamp() + coalesce(p_pause, interval '0') ELSE due_at END,
    uncertain = uncertain + (coalesce(p_uncertain, false))::integer, reason = left(coalesce(p_reason, ''), 300),
    body = coalesce(p_text, body), html = html AND p_outcome <> 'plain'
  WHERE id = p_id AND state = 'pending' AND claimed_by = p_worker RETURNING * INTO v_row;
  IF v_row.id IS NULL THEN
    RETURN false;
  END IF;
  SELECT bot_id INTO v_bot FROM telegram_chats WHERE org_id = v_row.org_id AND id = v_row.chat_id;
  IF p_outcome = 'moved' THEN
    UPDATE telegram_chats SET number = p_number WHERE org_id = v_row.org_id AND id = v_row.chat_id;
  ELSIF p_outcome = 'gone' THEN
    PERFORM app.switch_telegram_chat_off(v_row.org_id, v_row.chat_id, p_reason);
  ELSIF p_outcome = 'broken' AND v_bot IS NOT NULL THEN
    UPDATE telegram_bots SET health_status = 'broken', health_reason = left(p_reason, 300) WHERE org_id = v_row.org_id AND id = v_bot AND health_status <> 'broken';
    IF FOUND THEN
      INSERT INTO outbox (org_id, kind, payload) VALUES (v_row.org_id, 'telegram.broken', jsonb_build_object('bot_id', v_bot));
    END IF;
  END IF;
  PERFORM app.note_telegram(v_row.org_id, v_bot, CASE p_outcome WHEN 'sent' THEN 'sent' WHEN 'gone' THEN 'chat_gone' WHEN 'broken' THEN 'refused' ELSE 'failed' END,
                            v_row.chat_id, NULL, p_code, p_reason);
  RETURN true;
END
$$;

-- Nothing goes to a chat any more that took the bot away; its owner is told another way, once.
--: definer
CREATE FUNCTION app.switch_telegram_chat_off(p_org uuid, p_chat uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE telegram_messages SET state = 'failed', reason = left(coalesce(p_reason, ''), 300), claimed_by = NULL, claimed_until = NULL
  WHERE org_id = p_org AND chat_id = p_chat AND state = 'pending';
  UPDATE telegram_chats SET blocked_at = app.now(), blocked_reason = left(coalesce(p_reason, ''), 300)
  WHERE org_id = p_org AND id = p_chat AND blocked_at IS NULL;
  IF FOUND THEN
    INSERT INTO outbox (org_id, kind, payload) VALUES (p_org, 'telegram.chat_gone', jsonb_build_object('chat_id', p_chat));
  END IF;
END
$$;

-- A worker gives back what it has not begun; p_pauses says for how long each may not be sent.
--: definer; execute: service
CREATE FUNCTION app.release_telegram(p_ids uuid[], p_pauses double precision[], p_worker text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_messages m SET claimed_by = NULL, claimed_until = NULL, due_at = greatest(m.due_at, clock_timestamp() + make_interval(secs => u.pause))
  FROM unnest(p_ids, p_pauses) AS u(id, pause) WHERE m.id = u.id AND m.state = 'pending' AND m.claimed_by = p_worker
$$;

-- Texts are emptied once they were kept long enough; how many.
--: definer; execute: service
CREATE FUNCTION app.forget_telegram(p_before timestamptz, p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH gone AS (
    UPDATE telegram_messages SET body = '', buttons = '[]' WHERE id IN (
      SELECT id FROM telegram_messages WHERE body <> '' AND created_at < p_before AND state <> 'pending' LIMIT p_most) RETURNING 1),
  past AS (DELETE FROM telegram_updates WHERE received_at < p_before AND processed_at IS NOT NULL RETURNING 1)
  SELECT count(*) FROM gone
$$;

-- -- in ------------------------------------------------------------------------------------------------------------

-- Keeps an update once, and asks for a job to look at it. False: it was there already.
--: definer; execute: service
CREATE FUNCTION app.keep_telegram_update(p_bot uuid, p_update bigint, p_body jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
  v_id uuid;
BEGIN
  SELECT org_id INTO v_org FROM telegram_bots WHERE id = p_bot;
  IF p_bot IS NOT NULL AND v_org IS NULL THEN
    RETURN false;
  END IF;
  INSERT INTO telegram_updates (org_id, bot_id, update_id, body) VALUES (v_org, p_bot, p_update, p_body)
  ON CONFLICT (org_id, bot_id, update_id) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN
    PERFORM app.note_telegram(v_org, p_bot, 'received', NULL, p_update, NULL, '');
    INSERT INTO outbox (org_id, kind, payload) VALUES (NULL, 'telegram.update', jsonb_build_object('update_id', v_id));
  END IF;
  RETURN v_id IS NOT NULL;
END
$$;

-- Somebody came with a wrong secret: it is noted, and a job sets the webhook anew, once in five minutes at most.
--: definer
CREATE FUNCTION app.note_wrong_telegram_secret(p_bot uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
BEGIN
  SELECT org_id INTO v_org FROM telegram_bots WHERE id = p_bot;
  PERFORM app.note_telegram(v_org, p_bot, 'wrong_secret', NULL, NULL, 403, '');
  INSERT INTO outbox (org_id, kind, payload, key)
  VALUES (v_org, 'telegram.reset', jsonb_build_object('bot_id', p_bot), coalesce(p_bot::text, 'installation') || ' ' || floor(extract(epoch FROM app.now()) / 300))
  ON CONFLICT (org_id, kind, key) WHERE key IS NOT NULL DO NOTHING;
END
$$;

-- An update that came to a webhook: kept, known, wrong (the secret; both are digests, and that of the installation's bot, which has
-- no row, is given), unreadable, or unknown (there is no such bot).
--: definer; execute: web
CREATE FUNCTION app.receive_telegram_update(p_bot uuid, p_wanted text, p_given text, p_update bigint, p_body jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_wanted text := CASE WHEN p_bot IS NULL THEN p_wanted ELSE (SELECT secret_digest FROM telegram_bots WHERE id = p_bot) END;
BEGIN
  IF coalesce(v_wanted, '') = '' THEN
    RETURN 'unknown';
  ELSIF p_given <> v_wanted THEN
    PERFORM app.note_wrong_telegram_secret(p_bot);
    RETURN 'wrong';
  ELSIF p_update IS NULL THEN
    RETURN 'unreadable';
  END IF;
  RETURN CASE WHEN app.keep_telegram_update(p_bot, p_update, p_body) THEN 'kept' ELSE 'known' END;
END
$$;

-- After which number a bot is asked for more.
--: definer; execute: service
CREATE FUNCTION app.last_telegram_update(p_bot uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT coalesce(max(update_id), 0) FROM telegram_updates
  WHERE org_id IS NOT DISTINCT FROM (SELECT b.org_id FROM telegram_bots b WHERE b.id = p_bot) AND bot_id IS NOT DISTINCT FROM p_bot
$$;

--: definer; execute: service
CREATE FUNCTION app.telegram_update(p_id uuid) RETURNS TABLE (org_id uuid, bot_id uuid, update_id bigint, body jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT u.org_id, u.bot_id, u.update_id, u.body FROM telegram_updates u WHERE u.id = p_id AND u.processed_at IS NULL FOR UPDATE
$$;

--: definer; execute: service
CREATE FUNCTION app.finish_telegram_update(p_id uuid, p_effect text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE telegram_updates SET processed_at = app.now(), effect = p_effect, body = NULL WHERE id = p_id
$$;

-- A person took the bot away, or let it write again.
--: definer; execute: service
CREATE FUNCTION app.telegram_member_changed(p_bot uuid, p_number bigint, p_there boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_count bigint := 0;
  v_chat record;
BEGIN
  FOR v_chat IN SELECT org_id, id FROM telegram_chats WHERE number = p_number AND bot_id IS NOT DISTINCT FROM p_bot LOOP
    v_count := v_count + 1;
    IF p_there THEN
      UPDATE telegram_chats SET blocked_at = NULL, blocked_reason = '' WHERE org_id = v_chat.org_id AND id = v_chat.id;
    ELSE
      PERFORM app.switch_telegram_chat_off(v_chat.org_id, v_chat.id, 'The bot was blocked.');
    END IF;
  END LOOP;
  RETURN v_count;
END
$$;

-- A new secret for the webhook of a bot; the old one is worth nothing from then on.
--: definer; execute: staff
CREATE FUNCTION app.set_telegram_secret(p_id uuid, p_digest text, p_mode text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.assert_keeps_telegram((SELECT coalesce(user_id, -1) FROM telegram_bots WHERE org_id = app.current_org() AND id = p_id));
  UPDATE telegram_bots SET secret_digest = p_digest, mode = p_mode WHERE org_id = app.current_org() AND id = p_id;
END
$$;
