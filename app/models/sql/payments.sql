-- Payments through gateways. A wallet is credited by app.take_payment alone, with the confirmation in the same transaction.

-- -- accounts at gateways ------------------------------------------------------------------------------------------

-- Writes an account; p_secrets is sealed by the field ring, NULL leaves what is there.
--: definer; execute: portal_admin
CREATE FUNCTION app.put_gateway_account(p_id uuid, p_hostel uuid, p_gateway text, p_name text, p_key_id text, p_secrets text, p_path text,
                                        p_addresses text[], p_default boolean, p_active boolean) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_there boolean := EXISTS (SELECT FROM gateway_accounts WHERE org_id = v_org AND id = p_id);
BEGIN
  IF p_hostel IS NOT NULL AND NOT EXISTS (SELECT FROM hostels WHERE org_id = v_org AND id = p_hostel AND deleted_at IS NULL) THEN
    RAISE EXCEPTION 'There is no such hostel.' USING ERRCODE = 'VR404', COLUMN = 'hostel';
  ELSIF NOT app.is_system() AND NOT app.allowed_in('payments', 'approve', p_hostel) OR v_there AND NOT app.is_system() AND NOT app.allowed_in(
      'payments', 'approve', (SELECT hostel_id FROM gateway_accounts WHERE org_id = v_org AND id = p_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  IF p_default THEN
    UPDATE gateway_accounts SET is_default = false WHERE org_id = v_org AND hostel_id IS NOT DISTINCT FROM p_hostel AND is_default AND id <> p_id;
  END IF;
  IF v_there THEN
    UPDATE gateway_accounts SET hostel_id = p_hostel, name = p_name, key_id = p_key_id, secrets_token = coalesce(p_secrets, secrets_token),
      addresses = p_addresses, is_default = p_default AND p_active, active = p_active
    WHERE org_id = v_org AND id = p_id;
  ELSE
    INSERT INTO gateway_accounts (org_id, id, hostel_id, gateway, name, key_id, secrets_token, webhook_path, addresses, is_default, active, created_by)
    VALUES (v_org, p_id, p_hostel, p_gateway, p_name, p_key_id, p_secrets, p_path, p_addresses, p_default AND p_active, p_active, app.current_user_id());
  END IF;
  RETURN p_id;
END
$$;

-- What the code needs to speak to a gateway. For jobs, for who keeps the account, and for residents who pay through it.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.gateway_account(p_id uuid) RETURNS TABLE (org_id uuid, id uuid, gateway text, key_id text, secrets_token text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT a.org_id, a.id, a.gateway, a.key_id, a.secrets_token FROM gateway_accounts a
  WHERE a.org_id = app.current_org() AND a.id = p_id
    AND (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'approve', a.hostel_id)
         OR app.is_admitted() AND EXISTS (SELECT FROM payment_intents i WHERE i.org_id = a.org_id AND i.account_id = a.id
                                          AND i.user_id = app.current_user_id() AND i.status = 'created'))
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.note_gateway_test(p_id uuid, p_result text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE gateway_accounts SET tested_at = app.now(), test_result = left(p_result, 500)
  WHERE org_id = app.current_org() AND id = p_id AND app.allowed_in('payments', 'approve', hostel_id);
END
$$;

-- -- intents -------------------------------------------------------------------------------------------------------

-- Begins a top-up of the caller's own wallet, or finds the one that a second click, or another tab, has begun. `outcome`:
-- begun; or confirm, where nothing was begun, because the person has to show first that it is them.
--: definer; execute: portal_resident
CREATE FUNCTION app.begin_top_up(p_id uuid, p_hostel uuid, p_account uuid, p_amount bigint, p_confirmed boolean, p_lifetime interval)
RETURNS TABLE (id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_user integer := app.current_user_id();
  v_now timestamptz := app.now();
  v_found uuid;
  v_account gateway_accounts;
  v_house hostels;
BEGIN
  IF NOT app.is_admitted() OR NOT app.allowed_in('payments', 'create', p_hostel)
     OR NOT EXISTS (SELECT FROM residents r WHERE r.org_id = v_org AND r.hostel_id = p_hostel AND r.user_id = v_user) THEN
    RAISE EXCEPTION 'Only residents have a wallet.' USING ERRCODE = 'VR403';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('top-up:' || v_org || ':' || v_user, 0));
  SELECT i.id INTO v_found FROM payment_intents i
  WHERE i.org_id = v_org AND i.user_id = v_user AND (i.id = p_id OR i.status IN ('created', 'pending') AND i.hostel_id = p_hostel
    AND i.account_id = p_account AND i.amount_paise = p_amount AND i.expires_at > v_now + interval '5 minutes')
  ORDER BY i.id = p_id DESC, i.created_at DESC LIMIT 1;
  IF v_found IS NOT NULL THEN
    RETURN QUERY SELECT v_found, 'begun';
    RETURN;
  END IF;
  SELECT * INTO v_account FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account AND a.active AND coalesce(a.hostel_id, p_hostel) = p_hostel;
  SELECT * INTO v_house FROM hostels h WHERE h.org_id = v_org AND h.id = p_hostel;
  IF v_account.id IS NULL THEN
    RAISE EXCEPTION 'Choose how you want to pay.' USING ERRCODE = 'VR404', COLUMN = 'account';
  END IF;
  IF (SELECT count(*) FROM payment_intents i WHERE i.org_id = v_org AND i.user_id = v_user
      AND i.created_at >= date_trunc('day', v_now AT TIME ZONE v_house.timezone) AT TIME ZONE v_house.timezone) >= 10 THEN
    RAISE EXCEPTION 'You have topped up ten times today. Please come back tomorrow.' USING ERRCODE = 'VR429';
  END IF;
  IF NOT p_confirmed AND (SELECT count(*) FROM payment_intents i WHERE i.org_id = v_org AND i.user_id = v_user
                          AND i.created_at > v_now - interval '60 seconds') >= 2 THEN
    PERFORM app.raise_payment_flag('velocity', v_user || ' ' || date_trunc('hour', v_now), p_hostel, v_user, NULL, NULL, v_account.gateway, p_amount,
                                   v_house.currency);
    RETURN QUERY SELECT NULL::uuid, 'confirm';
    RETURN;
  END IF;
  INSERT INTO payment_intents (org_id, id, hostel_id, user_id, account_id, gateway, reference, amount_paise, currency, expires_at, next_ask_at, created_at)
  VALUES (v_org, p_id, p_hostel, v_user, p_account, v_account.gateway, 'vr' || replace(p_id::text, '-', ''), p_amount, v_house.currency,
          v_now + p_lifetime, v_now + interval '2 minutes', v_now);
  RETURN QUERY SELECT p_id, 'begun';
END
$$;

-- The gateway has the order; the browser can go there.
--: definer; execute: portal_resident
CREATE FUNCTION app.open_checkout(p_id uuid, p_gateway_id text, p_url text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE payment_intents SET status = 'pending', gateway_id = p_gateway_id, checkout_url = p_url
  WHERE org_id = app.current_org() AND id = p_id AND user_id = app.current_user_id() AND status = 'created' AND app.is_admitted()
$$;

-- Has a job ask the gateway about an intent, at most once in five seconds however often a page is looked at.
--: definer; execute: portal_admin, portal_resident
CREATE FUNCTION app.ask_about_payment(p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM payment_intents WHERE org_id = app.current_org() AND id = p_id AND status IN ('created', 'pending', 'failed', 'expired')
                 AND (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'read', hostel_id)
                      OR app.is_admitted() AND user_id = app.current_user_id())) THEN
    RETURN false;
  END IF;
  RETURN app.enqueue('payments.ask', jsonb_build_object('intent_id', p_id), p_id || ' ' || floor(extract(epoch FROM app.now()) / 5)) IS NOT NULL;
END
$$;

-- Intents of the organization that are due to be asked about; each is asked about at growing distances.
--: definer; execute: portal_admin
CREATE FUNCTION app.payments_to_ask(p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH due AS (
    SELECT id FROM payment_intents WHERE org_id = app.current_org() AND app.is_system() AND status IN ('created', 'pending')
    AND next_ask_at <= app.now() ORDER BY next_ask_at LIMIT p_most FOR UPDATE SKIP LOCKED),
  asked AS (
    UPDATE payment_intents i SET asks = asks + 1, next_ask_at = app.now() + least(interval '2 minutes' * 2 ^ asks, interval '3 hours')
    FROM due WHERE i.org_id = app.current_org() AND i.id = due.id RETURNING i.id)
  SELECT count(app.enqueue('payments.ask', jsonb_build_object('intent_id', id))) FROM asked
$$;

--: definer; execute: service
CREATE FUNCTION app.organizations_with_open_payments() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT DISTINCT org_id FROM payment_intents WHERE status IN ('created', 'pending') AND next_ask_at <= app.now()
$$;

-- -- what somebody has to look at -----------------------------------------------------------------------------------

-- Once for each thing that it is about.
--: definer
CREATE FUNCTION app.raise_payment_flag(p_kind text, p_about text, p_hostel uuid, p_user integer, p_intent uuid, p_delivery uuid, p_gateway text,
                                       p_amount bigint, p_currency text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_id uuid;
BEGIN
  INSERT INTO payment_flags (org_id, hostel_id, user_id, intent_id, delivery_id, gateway, kind, about, amount_paise, currency)
  VALUES (app.current_org(), p_hostel, p_user, p_intent, p_delivery, p_gateway, p_kind, left(p_about, 200), p_amount, p_currency)
  ON CONFLICT (org_id, kind, about) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN
    PERFORM app.enqueue('payments.flagged', jsonb_build_object('flag_id', v_id));
  END IF;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.resolve_payment_flag(p_id uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_flags;
BEGIN
  SELECT * INTO v_row FROM payment_flags WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such flag.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'update', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.resolved_at IS NOT NULL THEN
    RAISE EXCEPTION 'Somebody has looked at this already.' USING ERRCODE = 'VR409';
  ELSIF btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say what you found.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  UPDATE payment_flags SET resolved_at = app.now(), resolved_by = app.current_user_id(), resolution = left(btrim(p_note), 500)
  WHERE org_id = v_row.org_id AND id = p_id;
END
$$;

-- -- what gateways tell --------------------------------------------------------------------------------------------

-- The account that a webhook's address names, whose secrets are sealed.
--: definer; execute: web
CREATE FUNCTION app.webhook_account(p_gateway text, p_path text)
RETURNS TABLE (org_id uuid, id uuid, key_id text, secrets_token text, addresses text[], updated_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT a.org_id, a.id, a.key_id, a.secrets_token, a.addresses, a.updated_at FROM gateway_accounts a
  WHERE a.webhook_path = p_path AND a.gateway = p_gateway
$$;

-- Keeps a webhook; one that was accepted is looked at by a job. False, and nothing kept, where the account is no longer
-- what it was when the webhook was judged by it (p_seen): it has to be judged again.
--: definer; execute: web
CREATE FUNCTION app.keep_webhook(p_account uuid, p_path text, p_seen timestamptz, p_address text, p_headers jsonb, p_body bytea, p_digest bytea,
                                 p_size integer, p_verdict text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid;
  v_id uuid;
BEGIN
  INSERT INTO webhook_deliveries (org_id, hostel_id, account_id, gateway, received_at, address, headers, body, digest, size, verdict, reason)
  SELECT a.org_id, a.hostel_id, a.id, a.gateway, app.now(), p_address, p_headers, p_body, p_digest, p_size, p_verdict, p_reason
  FROM gateway_accounts a WHERE a.webhook_path = p_path AND a.id = p_account AND a.updated_at = p_seen
  RETURNING org_id, id INTO v_org, v_id;
  IF p_verdict = 'accepted' AND v_id IS NOT NULL THEN
    INSERT INTO outbox (org_id, kind, payload, due_at)
    VALUES (v_org, 'payments.delivery', jsonb_build_object('delivery_id', v_id), clock_timestamp());
  END IF;
  RETURN v_id IS NOT NULL;
END
$$;

--: definer; execute: portal_admin
CREATE FUNCTION app.delivery_to_process(p_id uuid) RETURNS TABLE (account_id uuid, headers jsonb, body bytea, processed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.account_id, d.headers, d.body, d.processed_at IS NOT NULL FROM webhook_deliveries d
  WHERE d.org_id = app.current_org() AND d.id = p_id AND d.verdict = 'accepted' AND app.is_system()
$$;

-- Empties bodies that were kept long enough, of all organizations; how many. What is not read yet stays.
--: definer; execute: service
CREATE FUNCTION app.forget_webhook_bodies(p_before timestamptz, p_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH old AS (
    SELECT org_id, id FROM webhook_deliveries WHERE body <> '' AND received_at < p_before AND (processed_at IS NOT NULL OR verdict <> 'accepted')
    LIMIT p_most),
  gone AS (UPDATE webhook_deliveries d SET body = '' FROM old WHERE d.org_id = old.org_id AND d.id = old.id RETURNING 1)
  SELECT count(*) FROM gone
$$;

-- Bodies under another key than the one that p_prefix names.
--: definer; execute: service
CREATE FUNCTION app.webhook_bodies_to_rotate(p_prefix bytea, p_after uuid, p_most integer) RETURNS TABLE (org_id uuid, id uuid, account_id uuid, body bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  SELECT d.org_id, d.id, d.account_id, d.body FROM webhook_deliveries d
  WHERE d.body <> '' AND substring(d.body FROM 1 FOR length(p_prefix)) <> p_prefix AND (p_after IS NULL OR d.id > p_after) ORDER BY d.id LIMIT p_most
$$;

--: definer; execute: service
CREATE FUNCTION app.rotate_webhook_body(p_org uuid, p_id uuid, p_seen bytea, p_body bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  UPDATE webhook_deliveries SET body = p_body WHERE org_id = p_org AND id = p_id AND body = p_seen
$$;

-- A payment that a gateway has verified: confirmation, state and posting in one transaction, or nothing at all. p_event:
-- {reference, gateway_id, payment_id, amount, currency, at}.
--: definer
CREATE FUNCTION app.take_payment(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_payment text := p_event ->> 'payment_id';
  v_amount bigint := (p_event ->> 'amount')::bigint;
  v_at timestamptz := coalesce((p_event ->> 'at')::timestamptz, app.now());
  v_row payment_intents;
  v_other boolean;
  v_wrong text;
  v_unusual boolean;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = v_org AND account_id = p_account
    AND (reference = p_event ->> 'reference' OR p_event ->> 'reference' = '' AND gateway_id = p_event ->> 'gateway_id' AND gateway_id <> '') FOR UPDATE;
  SELECT intent_id IS DISTINCT FROM v_row.id INTO v_other FROM payment_confirmations
  WHERE org_id = v_org AND gateway = (SELECT gateway FROM gateway_accounts WHERE org_id = v_org AND id = p_account) AND payment_id = v_payment;
  IF NOT v_other THEN
    RETURN 'known';
  END IF;
  v_wrong := CASE WHEN v_row.id IS NULL THEN 'unknown_intent' WHEN v_row.currency <> p_event ->> 'currency' THEN 'currency_differs'
                  WHEN v_row.amount_paise <> v_amount THEN 'amount_differs'
                  WHEN v_other OR v_row.status IN ('paid', 'review', 'refunded') THEN 'paid_twice' END;
  IF v_wrong IS NOT NULL THEN
    PERFORM app.raise_payment_flag(v_wrong, v_payment, coalesce(v_row.hostel_id, a.hostel_id), v_row.user_id, v_row.id, p_delivery, a.gateway, v_amount,
                                   left(p_event ->> 'currency', 3))
    FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account;
    RETURN v_wrong;
  END IF;
  INSERT INTO payment_confirmations (org_id, hostel_id, user_id, intent_id, gateway, payment_id, amount_paise, currency, source, delivery_id, paid_at)
  VALUES (v_org, v_row.hostel_id, v_row.user_id, v_row.id, v_row.gateway, v_payment, v_amount, v_row.currency, p_source, p_delivery, v_at);
  -- Far above what this person ever paid, and no small amount: somebody looks at it before it can be spent.
  SELECT v_amount > greatest(2000000, 5 * coalesce(max(amount_paise), 0)) INTO v_unusual FROM payment_intents
  WHERE org_id = v_org AND user_id = v_row.user_id AND status = 'paid';
  UPDATE payment_intents SET status = CASE WHEN v_unusual THEN 'review' ELSE 'paid' END, paid_at = v_at, payment_id = v_payment,
    gateway_id = CASE gateway_id WHEN '' THEN coalesce(p_event ->> 'gateway_id', '') ELSE gateway_id END, reason = '', next_ask_at = NULL
  WHERE org_id = v_org AND id = v_row.id;
  PERFORM app.book('payment:' || v_row.gateway || ':' || v_payment, 'top_up', v_row.hostel_id, v_amount,
                   'clearing', NULL, CASE WHEN v_unusual THEN 'suspense' ELSE 'wallet' END, CASE WHEN NOT v_unusual THEN v_row.user_id END,
                   '', 'payment_intents', v_row.id, v_at, p_debit_party => v_row.gateway);
  IF v_unusual THEN
    PERFORM app.raise_payment_flag('unusual_amount', v_row.id::text, v_row.hostel_id, v_row.user_id, v_row.id, p_delivery, v_row.gateway, v_amount, v_row.currency);
  ELSIF v_row.status IN ('expired', 'failed') THEN
    PERFORM app.raise_payment_flag('late_payment', v_row.id::text, v_row.hostel_id, v_row.user_id, v_row.id, p_delivery, v_row.gateway, v_amount, v_row.currency);
  END IF;
  PERFORM app.enqueue('payments.settled', jsonb_build_object('intent_id', v_row.id), v_row.id || ' paid');
  RETURN CASE WHEN v_unusual THEN 'held_back' WHEN v_row.status IN ('expired', 'failed') THEN 'credited_late' ELSE 'credited' END;
END
$$;

-- One thing that a gateway has told, as the adapters put it; returns what became of it. p_event.kind: payment_paid, expired,
-- failed (nothing more can come of it), refund (look at that refund), ask (find out at the gateway), other.
--: definer
CREATE FUNCTION app.apply_payment_event(p_account uuid, p_event jsonb, p_source text, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_kind text := p_event ->> 'kind';
  v_intent uuid;
BEGIN
  IF v_kind = 'payment_paid' THEN
    RETURN app.take_payment(p_account, p_event, p_source, p_delivery);
  ELSIF v_kind IN ('failed', 'expired') THEN
    UPDATE payment_intents SET status = v_kind, reason = left(coalesce(p_event ->> 'reason', ''), 500), next_ask_at = NULL
    WHERE org_id = v_org AND account_id = p_account AND reference = p_event ->> 'reference' AND status IN ('created', 'pending');
    RETURN CASE WHEN FOUND THEN v_kind ELSE 'known' END;
  ELSIF v_kind = 'refund' THEN
    RETURN CASE WHEN count(app.enqueue('payments.refund_ask', jsonb_build_object('refund_id', r.id))) > 0 THEN 'asked' ELSE 'ignored' END
    FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id AND i.account_id = p_account
    WHERE r.org_id = v_org AND r.status = 'sent' AND (r.key = p_event ->> 'refund_key' OR r.refund_id <> '' AND r.refund_id = p_event ->> 'refund_id'
                                                      OR i.payment_id = p_event ->> 'payment_id');
  ELSIF v_kind = 'ask' THEN
    SELECT id INTO v_intent FROM payment_intents WHERE org_id = v_org AND account_id = p_account AND reference = p_event ->> 'reference';
    IF v_intent IS NULL THEN
      PERFORM app.raise_payment_flag('unknown_intent', coalesce(NULLIF(p_event ->> 'payment_id', ''), p_event ->> 'reference'), a.hostel_id, NULL, NULL, p_delivery,
                                     a.gateway, (p_event ->> 'amount')::bigint, left(p_event ->> 'currency', 3))
      FROM gateway_accounts a WHERE a.org_id = v_org AND a.id = p_account;
      RETURN 'unknown_intent';
    ELSIF EXISTS (SELECT FROM payment_confirmations WHERE org_id = v_org AND intent_id = v_intent AND payment_id = p_event ->> 'payment_id') THEN
      RETURN 'known'; -- the gateway has said so already
    END IF;
    PERFORM app.enqueue('payments.ask', jsonb_build_object('intent_id', v_intent, 'delivery_id', p_delivery), 'delivery ' || p_delivery);
    RETURN 'asked';
  END IF;
  RETURN 'ignored';
END
$$;

-- What the gateway answered about an intent, when a job asked.
--: definer; execute: portal_admin
CREATE FUNCTION app.apply_payment_answer(p_intent uuid, p_event jsonb, p_delivery uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_effect text;
BEGIN
  PERFORM app.assert_system();
  SELECT app.apply_payment_event(account_id, p_event, 'status', p_delivery) INTO v_effect FROM payment_intents
  WHERE org_id = app.current_org() AND id = p_intent;
  UPDATE webhook_deliveries SET effect = v_effect WHERE org_id = app.current_org() AND id = p_delivery;
  RETURN v_effect;
END
$$;

-- Applies what a delivery tells, once, and keeps what became of it. What it told is kept for looking at it again.
--: definer; execute: portal_admin
CREATE FUNCTION app.process_delivery(p_id uuid, p_events jsonb, p_unreadable text DEFAULT '') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row webhook_deliveries;
  v_event jsonb;
  v_effect text := 'ignored';
  v_one text;
BEGIN
  SELECT * INTO v_row FROM webhook_deliveries WHERE org_id = app.current_org() AND id = p_id AND verdict = 'accepted' FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.is_system() OR v_row.processed_at IS NOT NULL THEN
    RETURN v_row.effect;
  END IF;
  FOR v_event IN SELECT * FROM jsonb_array_elements(p_events) LOOP
    v_one := app.apply_payment_event(v_row.account_id, v_event, 'webhook', p_id);
    v_effect := CASE WHEN v_one = 'ignored' THEN v_effect ELSE v_one END;
  END LOOP;
  UPDATE webhook_deliveries SET processed_at = app.now(), events = p_events, reason = p_unreadable,
    effect = CASE WHEN p_unreadable <> '' THEN 'unreadable' ELSE v_effect END,
    intent_id = (SELECT i.id FROM payment_intents i, jsonb_array_elements(p_events) e WHERE i.org_id = v_row.org_id AND i.account_id = v_row.account_id
                 AND i.reference = e ->> 'reference' LIMIT 1)
  WHERE org_id = v_row.org_id AND id = p_id;
  RETURN v_effect;
END
$$;

-- What a delivery would do if it came again now: done and taken back, so that nothing can be left of it.
--: definer; execute: portal_admin
CREATE FUNCTION app.replay_delivery(p_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row webhook_deliveries;
  v_effects text;
BEGIN
  SELECT * INTO v_row FROM webhook_deliveries WHERE org_id = app.current_org() AND id = p_id;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such delivery.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'update', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.verdict <> 'accepted' OR v_row.events IS NULL THEN
    RETURN 'refused';
  END IF;
  BEGIN
    SELECT coalesce(string_agg(app.apply_payment_event(v_row.account_id, e, 'webhook', p_id), ' '), 'ignored') INTO v_effects
    FROM jsonb_array_elements(v_row.events) e;
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'VR000';
  EXCEPTION WHEN SQLSTATE 'VR000' THEN
    RETURN v_effects;
  END;
END
$$;

-- -- what people decide --------------------------------------------------------------------------------------------

-- A payment that was held back: credited, or sent back through the gateway.
--: definer; execute: portal_admin
CREATE FUNCTION app.decide_payment(p_id uuid, p_event text, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_intents;
  v_key text;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  v_key := 'payment:' || v_row.gateway || ':' || v_row.payment_id;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such payment.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'approve', v_row.hostel_id) OR v_row.user_id = app.current_user_id() THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.status <> 'review' THEN
    RAISE EXCEPTION 'Somebody has decided on this payment already.' USING ERRCODE = 'VR409';
  ELSIF p_event IS DISTINCT FROM 'accept' AND btrim(coalesce(p_note, '')) = '' THEN
    RAISE EXCEPTION 'Please say why.' USING ERRCODE = 'VR422', COLUMN = 'note';
  END IF;
  IF p_event = 'accept' THEN
    PERFORM app.book(v_key || ' accepted', 'top_up', v_row.hostel_id, v_row.amount_paise, 'suspense', NULL, 'wallet', v_row.user_id,
                     '', 'payment_intents', p_id, v_row.paid_at);
  ELSE
    INSERT INTO payment_refunds (org_id, hostel_id, user_id, intent_id, amount_paise, currency, key, reason)
    VALUES (v_row.org_id, v_row.hostel_id, v_row.user_id, p_id, v_row.amount_paise, v_row.currency, 'rf' || replace(p_id::text, '-', ''), left(btrim(p_note), 500));
    PERFORM app.approve_refund(r.id, app.book(v_key || ' sent back', 'payout', v_row.hostel_id, v_row.amount_paise,
      'suspense', NULL, 'clearing', NULL, 'Sent back', 'payment_refunds', r.id, p_credit_party => v_row.gateway))
    FROM payment_refunds r WHERE r.org_id = v_row.org_id AND r.key = 'rf' || replace(p_id::text, '-', '');
  END IF;
  UPDATE payment_intents SET status = CASE p_event WHEN 'accept' THEN 'paid' ELSE 'refunded' END, decided_by = app.current_user_id(),
    reason = left(btrim(coalesce(p_note, '')), 500), refunded_paise = CASE p_event WHEN 'accept' THEN 0 ELSE amount_paise END
  WHERE org_id = v_row.org_id AND id = p_id;
  UPDATE payment_flags SET resolved_at = app.now(), resolved_by = app.current_user_id(), resolution = left(coalesce(NULLIF(btrim(p_note), ''), p_event), 500)
  WHERE org_id = v_row.org_id AND intent_id = p_id AND kind = 'unusual_amount' AND resolved_at IS NULL;
  PERFORM app.enqueue('payments.settled', jsonb_build_object('intent_id', p_id), p_id || ' decided');
END
$$;

--: definer
CREATE FUNCTION app.approve_refund(p_id uuid, p_transaction uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  UPDATE payment_refunds SET status = 'approved', transaction_id = p_transaction WHERE org_id = app.current_org() AND id = p_id;
  PERFORM app.enqueue('payments.refund', jsonb_build_object('refund_id', p_id), p_id::text);
END
$$;

-- Proposes to send money back; a second person decides (app.decide_proposal), whose approval takes it out of the wallet.
--: definer; execute: portal_admin
CREATE FUNCTION app.propose_payment_refund(p_id uuid, p_intent uuid, p_amount bigint, p_reason text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_intents;
BEGIN
  SELECT * INTO v_row FROM payment_intents WHERE org_id = app.current_org() AND id = p_intent FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such payment.' USING ERRCODE = 'VR404';
  ELSIF NOT app.allowed_in('payments', 'create', v_row.hostel_id) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF EXISTS (SELECT FROM payment_refunds WHERE org_id = v_row.org_id AND id = p_id) THEN
    RETURN p_id; -- sent twice
  ELSIF v_row.status <> 'paid' THEN
    RAISE EXCEPTION 'Only what was paid can be refunded.' USING ERRCODE = 'VR409';
  ELSIF coalesce(p_amount, 0) <= 0 OR p_amount > v_row.amount_paise - coalesce((
      SELECT sum(amount_paise) FROM payment_refunds WHERE org_id = v_row.org_id AND intent_id = p_intent AND status NOT IN ('failed', 'rejected', 'withdrawn')), 0) THEN
    RAISE EXCEPTION 'This is more than is left of the payment.' USING ERRCODE = 'VR422', COLUMN = 'amount';
  END IF;
  INSERT INTO payment_refunds (org_id, id, hostel_id, user_id, intent_id, amount_paise, currency, key, reason)
  VALUES (v_row.org_id, p_id, v_row.hostel_id, v_row.user_id, p_intent, p_amount, v_row.currency, 'rf' || replace(p_id::text, '-', ''),
          left(btrim(coalesce(p_reason, '')), 500));
  UPDATE payment_refunds SET proposal_id = app.write_proposal(v_row.hostel_id, 'payout', v_row.user_id, v_row.gateway, p_amount, p_reason, 'payment_refunds', p_id, NULL)
  WHERE org_id = v_row.org_id AND id = p_id;
  RETURN p_id;
END
$$;

-- What was decided about the proposal holds for the refund; approved, it is sent.
--: definer
CREATE FUNCTION app.follow_refund_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.source <> 'payment_refunds' OR NEW.status = OLD.status OR NEW.org_id IS DISTINCT FROM app.current_org() THEN
    RETURN NULL;
  ELSIF NEW.status = 'approved' THEN
    PERFORM app.approve_refund(NEW.source_id, NEW.transaction_id);
  ELSE
    UPDATE payment_refunds SET status = NEW.status WHERE org_id = NEW.org_id AND id = NEW.source_id AND status = 'proposed';
  END IF;
  RETURN NULL;
END
$$;

-- An attempt is written down before the gateway is asked; the row then says what to ask for. Nothing where it is over.
--: definer; execute: portal_admin
CREATE FUNCTION app.begin_refund_attempt(p_id uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH begun AS (
    UPDATE payment_refunds SET status = 'sent', attempts = attempts + 1, attempted_at = app.now()
    WHERE org_id = app.current_org() AND id = p_id AND status IN ('approved', 'sent') AND app.is_system() RETURNING id)
  SELECT EXISTS (SELECT FROM begun WHERE app.enqueue('payments.refund_send', jsonb_build_object('refund_id', id)) IS NOT NULL)
$$;

-- What the gateway says of a refund. One that failed is booked back, and somebody looks at it.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_refund(p_id uuid, p_refund_id text, p_state text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row payment_refunds;
BEGIN
  SELECT * INTO v_row FROM payment_refunds WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF NOT app.is_system() OR v_row.status IS DISTINCT FROM 'sent' THEN
    RETURN v_row.status;
  END IF;
  UPDATE payment_refunds SET refund_id = CASE p_refund_id WHEN '' THEN refund_id ELSE p_refund_id END, result = left(p_reason, 500),
    status = CASE p_state WHEN 'done' THEN 'done' WHEN 'failed' THEN 'failed' ELSE status END
  WHERE org_id = v_row.org_id AND id = p_id;
  IF p_state = 'done' THEN
    UPDATE payment_intents SET refunded_paise = refunded_paise + v_row.amount_paise,
      status = CASE WHEN refunded_paise + v_row.amount_paise = amount_paise THEN 'refunded' ELSE status END
    WHERE org_id = v_row.org_id AND id = v_row.intent_id AND status = 'paid';
  ELSIF p_state = 'failed' THEN
    PERFORM app.reverse(v_row.transaction_id, 'Refund failed');
    PERFORM app.raise_payment_flag('refund_failed', p_id::text, v_row.hostel_id, v_row.user_id, v_row.intent_id, NULL, i.gateway, v_row.amount_paise, v_row.currency)
    FROM payment_intents i WHERE i.org_id = v_row.org_id AND i.id = v_row.intent_id;
  END IF;
  RETURN p_state;
END
$$;
