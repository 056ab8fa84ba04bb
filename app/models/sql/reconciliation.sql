-- Reconciliation. Lines are booked against clearing as the gateway states them, so that what stays there is what does not agree.

-- A statement as it was read, with its lines: those that are new are added. The same statement again is the same. What a
-- gateway charges an account of the whole organization is borne by its oldest hostel.
--: definer; execute: portal_admin
CREATE FUNCTION app.add_statement(p_id uuid, p_account uuid, p_origin text, p_digest text, p_file uuid, p_lines jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_account gateway_accounts;
  v_known uuid;
BEGIN
  SELECT * INTO v_account FROM gateway_accounts WHERE org_id = v_org AND id = p_account FOR UPDATE;
  IF v_account.id IS NULL OR NOT (app.is_system() OR app.allowed_in('payments', 'read', v_account.hostel_id)) THEN
    RAISE EXCEPTION 'There is no such account at a gateway.' USING ERRCODE = 'VR404', COLUMN = 'account';
  ELSIF NOT (app.is_system() OR app.is_staff() AND app.allowed_in('payments', 'create', v_account.hostel_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  END IF;
  SELECT id INTO v_known FROM settlement_statements WHERE org_id = v_org AND account_id = p_account AND digest = p_digest;
  IF v_known IS NOT NULL THEN
    RETURN v_known;
  END IF;
  INSERT INTO settlement_statements (org_id, id, hostel_id, account_id, gateway, origin, digest, file_id, first_on, last_on, lines, added, net_paise, currency)
  SELECT v_org, p_id, v_account.hostel_id, p_account, v_account.gateway, p_origin, p_digest, p_file, min((l ->> 'settled_on')::date), max((l ->> 'settled_on')::date),
         count(*), count(DISTINCT l ->> 'line_id') FILTER (WHERE NOT EXISTS (SELECT FROM settlement_lines k
                    WHERE k.org_id = v_org AND k.account_id = p_account AND k.line_id = l ->> 'line_id')),
         sum((l ->> 'amount')::bigint - (l ->> 'fee')::bigint - (l ->> 'tax')::bigint), min(l ->> 'currency')
  FROM jsonb_array_elements(p_lines) l;
  INSERT INTO settlement_lines (org_id, hostel_id, account_id, statement_id, gateway, line_id, kind, payment_id, reference, gateway_refund_id, amount_paise,
                                fee_paise, tax_paise, currency, utr, settled_on, occurred_at)
  SELECT v_org, coalesce(v_account.hostel_id, CASE l ->> 'kind' WHEN 'fee' THEN (
           SELECT h.id FROM hostels h WHERE h.org_id = v_org AND h.currency = l ->> 'currency' ORDER BY h.created_at, h.id LIMIT 1) END),
         p_account, p_id, v_account.gateway, l ->> 'line_id', l ->> 'kind', l ->> 'payment_id', l ->> 'reference', l ->> 'refund_id',
         (l ->> 'amount')::bigint, (l ->> 'fee')::bigint, (l ->> 'tax')::bigint, l ->> 'currency', l ->> 'utr', (l ->> 'settled_on')::date, (l ->> 'at')::timestamptz
  FROM jsonb_array_elements(p_lines) l
  ON CONFLICT (org_id, account_id, line_id) DO NOTHING;
  PERFORM app.enqueue('reconciliation.match', jsonb_build_object('account_id', p_account), 'statement ' || p_id);
  RETURN p_id;
END
$$;

-- Books a line: the bank got what is net, the rest is the gateway's, and that much is not on its way any more. What the
-- gateway charges for itself has no payment. In another currency, or without a hostel, there is nothing to book it on.
--: definer
CREATE FUNCTION app.book_line(p_line uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row settlement_lines;
  v_fees bigint;
  v_clearing bigint;
BEGIN
  SELECT l.* INTO v_row FROM settlement_lines l JOIN hostels h ON h.org_id = l.org_id AND h.id = l.hostel_id AND h.currency = l.currency
  WHERE l.org_id = app.current_org() AND l.id = p_line AND l.transaction_id IS NULL FOR UPDATE OF l;
  v_fees := v_row.fee_paise + v_row.tax_paise - CASE v_row.kind WHEN 'fee' THEN v_row.amount_paise ELSE 0 END;
  v_clearing := CASE v_row.kind WHEN 'fee' THEN 0 ELSE v_row.amount_paise END;
  IF v_row.id IS NULL OR v_fees = 0 AND v_clearing = 0 THEN
    RETURN;
  END IF;
  UPDATE settlement_lines SET transaction_id = (app.post(jsonb_build_array(jsonb_build_object(
      -- The row is one for an account and its line: two accounts of one gateway may number theirs alike.
      'key', 'settlement:' || v_row.gateway || ':' || v_row.id, 'kind', 'settlement', 'hostel', v_row.hostel_id,
      'source', 'settlement_lines', 'source_id', v_row.id,
      'entries', (SELECT jsonb_agg(e) FROM (VALUES
        (jsonb_build_object('code', 'bank', 'amount', v_fees - v_clearing)),
        (jsonb_build_object('code', 'gateway_fees', 'amount', -v_fees)),
        (jsonb_build_object('code', 'clearing', 'party', v_row.gateway, 'amount', v_clearing))) AS x (e) WHERE (e ->> 'amount')::bigint <> 0)))))[1]
  WHERE org_id = v_row.org_id AND id = p_line;
END
$$;

-- What the matching found, by the product itself: pairs [{line, confirmation, refund}], lines that stand alone, and breaks.
--: definer; execute: portal_admin
CREATE FUNCTION app.settle_matches(p_pairs jsonb, p_lines uuid[], p_breaks jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_new integer;
BEGIN
  PERFORM app.assert_system();
  UPDATE settlement_lines l SET confirmation_id = c.id, refund_id = r.id, hostel_id = coalesce(l.hostel_id, c.hostel_id, r.hostel_id)
  FROM jsonb_array_elements(p_pairs) p
  LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (p ->> 'confirmation')::uuid
  LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (p ->> 'refund')::uuid
  WHERE l.org_id = v_org AND l.id = (p ->> 'line')::uuid AND l.confirmation_id IS NULL AND l.refund_id IS NULL
    AND (l.transaction_id IS NULL OR l.hostel_id = coalesce(c.hostel_id, r.hostel_id));
  UPDATE settlement_lines l SET hostel_id = coalesce(c.hostel_id, r.hostel_id)
  FROM jsonb_array_elements(p_breaks) n
  LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (n ->> 'confirmation')::uuid
  LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (n ->> 'refund')::uuid
  WHERE l.org_id = v_org AND l.id = (n ->> 'line')::uuid AND l.hostel_id IS NULL;
  PERFORM app.book_line(id) FROM (SELECT (p ->> 'line')::uuid AS id FROM jsonb_array_elements(p_pairs) p UNION SELECT unnest(p_lines) ORDER BY 1) x;
  -- What has its other side now does not miss it any more; a proposal that waits for it goes on.
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  FROM settlement_lines l
  WHERE b.org_id = v_org AND b.status = 'open' AND l.org_id = v_org AND (l.confirmation_id IS NOT NULL OR l.refund_id IS NOT NULL) AND (
    b.line_id = l.id AND b.cause IN ('missing_in_ledger', 'unknown_refund')
    OR b.cause IN ('late', 'missing_at_gateway') AND (b.confirmation_id = l.confirmation_id OR b.refund_id = l.refund_id))
    AND NOT EXISTS (SELECT FROM ledger_proposals p WHERE p.org_id = v_org AND p.id = b.proposal_id AND p.status = 'proposed');
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  WHERE b.org_id = v_org AND b.status = 'open' AND b.cause = 'late'
    AND EXISTS (SELECT FROM jsonb_array_elements(p_breaks) n WHERE n ->> 'cause' = 'missing_at_gateway' AND n ->> 'about' = b.about);
  WITH fresh AS (
    INSERT INTO reconciliation_breaks (org_id, hostel_id, account_id, gateway, cause, about, amount_paise, currency, line_id, confirmation_id, refund_id)
    SELECT v_org, coalesce(c.hostel_id, r.hostel_id, l.hostel_id), (n ->> 'account')::uuid, n ->> 'gateway', n ->> 'cause', n ->> 'about',
           (n ->> 'amount')::bigint, n ->> 'currency', l.id, c.id, r.id
    FROM jsonb_array_elements(p_breaks) n
    LEFT JOIN settlement_lines l ON l.org_id = v_org AND l.id = (n ->> 'line')::uuid
    LEFT JOIN payment_confirmations c ON c.org_id = v_org AND c.id = (n ->> 'confirmation')::uuid
    LEFT JOIN payment_refunds r ON r.org_id = v_org AND r.id = (n ->> 'refund')::uuid
    ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING RETURNING id)
  SELECT count(*) INTO v_new FROM fresh
  WHERE app.enqueue('reconciliation.found', jsonb_build_object('break_id', id), 'break ' || id) IS NOT NULL;
  RETURN v_new;
END
$$;

-- What is on its way in each hostel, by the ledger and by what payments, refunds and lines say; equal if all is well.
--: definer; execute: portal_admin
CREATE FUNCTION app.clearing_state() RETURNS TABLE (hostel_id uuid, gateway text, currency text, booked_paise bigint, expected_paise bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
  WITH side AS (
    SELECT a.hostel_id, a.party AS gateway, e.amount_paise AS booked, 0::bigint AS expected
    FROM ledger_accounts a JOIN ledger_entries e ON e.org_id = a.org_id AND e.account_id = a.id
    WHERE a.org_id = app.current_org() AND a.code = 'clearing'
    UNION ALL
    SELECT c.hostel_id, c.gateway, 0, -c.amount_paise FROM payment_confirmations c WHERE c.org_id = app.current_org()
    UNION ALL
    SELECT r.hostel_id, i.gateway, 0, r.amount_paise FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id
    WHERE r.org_id = app.current_org() AND r.status IN ('approved', 'sent', 'done')
    UNION ALL
    SELECT l.hostel_id, l.gateway, 0, CASE l.kind WHEN 'fee' THEN 0 ELSE l.amount_paise END FROM settlement_lines l
    WHERE l.org_id = app.current_org() AND l.transaction_id IS NOT NULL
    UNION ALL
    SELECT b.hostel_id, b.gateway, 0, p.amount_paise FROM reconciliation_breaks b JOIN ledger_proposals p ON p.org_id = b.org_id AND p.id = b.proposal_id
    WHERE b.org_id = app.current_org() AND p.status = 'approved')
  SELECT s.hostel_id, s.gateway, h.currency, sum(s.booked)::bigint, sum(s.expected)::bigint
  FROM side s JOIN hostels h ON h.org_id = app.current_org() AND h.id = s.hostel_id
  WHERE app.is_system() OR app.allowed_in('payments', 'read', s.hostel_id)
  GROUP BY s.hostel_id, s.gateway, h.currency
$$;

-- Clearing as it is now: what differs is a break, and one that differs no more is over.
--: definer; execute: portal_admin
CREATE FUNCTION app.check_clearing() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_found integer;
BEGIN
  PERFORM app.assert_system();
  UPDATE reconciliation_breaks b SET status = 'matched', closed_at = app.now()
  WHERE b.org_id = v_org AND b.status = 'open' AND b.cause = 'clearing_differs' AND NOT EXISTS (
    SELECT FROM app.clearing_state() s WHERE s.hostel_id = b.hostel_id AND s.gateway = b.gateway AND s.booked_paise - s.expected_paise = b.amount_paise);
  WITH fresh AS (
    INSERT INTO reconciliation_breaks (org_id, hostel_id, gateway, cause, about, amount_paise, currency)
    SELECT v_org, s.hostel_id, s.gateway, 'clearing_differs', s.hostel_id || ':' || s.gateway || ':' || (s.booked_paise - s.expected_paise),
           s.booked_paise - s.expected_paise, s.currency
    FROM app.clearing_state() s WHERE s.booked_paise <> s.expected_paise
    ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING RETURNING id)
  SELECT count(*) INTO v_found FROM fresh
  WHERE app.enqueue('reconciliation.found', jsonb_build_object('break_id', id), 'break ' || id) IS NOT NULL;
  RETURN v_found;
END
$$;

-- -- what people decide --------------------------------------------------------------------------------------------

-- The break, locked, for staff who may do this to it.
--: definer
CREATE FUNCTION app.lock_break(p_id uuid, p_action text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_row reconciliation_breaks;
BEGIN
  SELECT * INTO v_row FROM reconciliation_breaks WHERE org_id = app.current_org() AND id = p_id FOR UPDATE;
  IF v_row.id IS NULL OR NOT app.allowed_in('payments', 'read', v_row.hostel_id) THEN
    RAISE EXCEPTION 'There is no such break.' USING ERRCODE = 'VR404';
  ELSIF NOT (app.is_staff() AND app.allowed_in('wallet', p_action, v_row.hostel_id)) THEN
    RAISE EXCEPTION 'Your role does not let you do that.' USING ERRCODE = 'VR403';
  ELSIF v_row.status <> 'open' THEN
    RAISE EXCEPTION 'This break is settled already.' USING ERRCODE = 'VR409';
  ELSIF EXISTS (SELECT FROM ledger_proposals WHERE org_id = v_row.org_id AND id = v_row.proposal_id AND status = 'proposed') THEN
    RAISE EXCEPTION 'A proposal for this break waits for its decision.' USING ERRCODE = 'VR409';
  END IF;
END
$$;

-- By hand: this line is that payment, or that refund. Where their amounts differ, the difference is a break of its own.
--: definer; execute: portal_admin
CREATE FUNCTION app.match_break(p_id uuid, p_other uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_break reconciliation_breaks;
  v_line settlement_lines;
  v_hostel uuid;
  v_amount bigint;
BEGIN
  PERFORM app.lock_break(p_id, 'approve');
  SELECT * INTO v_break FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id;
  SELECT * INTO v_line FROM settlement_lines WHERE org_id = v_org AND id = v_break.line_id FOR UPDATE;
  IF v_line.id IS NULL OR v_line.confirmation_id IS NOT NULL OR v_line.refund_id IS NOT NULL THEN
    RAISE EXCEPTION 'Only a line that has no other side can be matched.' USING ERRCODE = 'VR409';
  END IF;
  SELECT x.hostel_id, x.amount INTO v_hostel, v_amount FROM (
    SELECT c.hostel_id, c.amount_paise AS amount FROM payment_confirmations c
    WHERE c.org_id = v_org AND c.id = p_other AND v_line.kind = 'payment' AND c.gateway = v_line.gateway AND c.currency = v_line.currency
    UNION ALL
    SELECT r.hostel_id, -r.amount_paise FROM payment_refunds r JOIN payment_intents i ON i.org_id = r.org_id AND i.id = r.intent_id
    WHERE r.org_id = v_org AND r.id = p_other AND v_line.kind = 'refund' AND i.gateway = v_line.gateway AND r.currency = v_line.currency
      AND r.status IN ('approved', 'sent', 'done')) x
  WHERE app.allowed_in('wallet', 'approve', x.hostel_id) AND (v_line.transaction_id IS NULL OR x.hostel_id = v_line.hostel_id)
    AND NOT EXISTS (SELECT FROM settlement_lines l WHERE l.org_id = v_org AND p_other IN (l.confirmation_id, l.refund_id))
    AND NOT EXISTS (SELECT FROM reconciliation_breaks b WHERE b.org_id = v_org AND p_other IN (b.confirmation_id, b.refund_id)
                    AND (b.status IN ('written_off', 'corrected') OR b.proposal_id IS NOT NULL AND b.status = 'open'));
  IF v_hostel IS NULL THEN
    RAISE EXCEPTION 'There is no such payment that has no line yet.' USING ERRCODE = 'VR404', COLUMN = 'other';
  END IF;
  UPDATE settlement_lines SET hostel_id = v_hostel, confirmation_id = CASE kind WHEN 'payment' THEN p_other END, refund_id = CASE kind WHEN 'refund' THEN p_other END
  WHERE org_id = v_org AND id = v_line.id;
  PERFORM app.book_line(v_line.id);
  UPDATE reconciliation_breaks SET status = 'matched', closed_at = app.now(), closed_by = app.current_user_id(), note = left(btrim(coalesce(p_note, '')), 500),
    hostel_id = v_hostel
  WHERE org_id = v_org AND id = p_id;
  UPDATE reconciliation_breaks SET status = 'matched', closed_at = app.now(), closed_by = app.current_user_id()
  WHERE org_id = v_org AND status = 'open' AND cause IN ('late', 'missing_at_gateway') AND p_other IN (confirmation_id, refund_id);
  INSERT INTO reconciliation_breaks (org_id, hostel_id, account_id, gateway, cause, about, amount_paise, currency, line_id, confirmation_id, refund_id)
  SELECT v_org, v_hostel, v_line.account_id, v_line.gateway, 'amount_differs', 'line ' || v_line.id, v_amount - v_line.amount_paise, v_line.currency, v_line.id,
         CASE v_line.kind WHEN 'payment' THEN p_other END, CASE v_line.kind WHEN 'refund' THEN p_other END
  WHERE v_amount <> v_line.amount_paise ON CONFLICT (org_id, cause, about) WHERE status <> 'matched' DO NOTHING;
END
$$;

-- Proposes to write it off, or to correct the books; a second person decides (app.decide_proposal). A line that nobody
-- knew a hostel for is booked in the one that is given.
--: definer; execute: portal_admin
CREATE FUNCTION app.propose_break(p_id uuid, p_kind text, p_hostel uuid, p_reason text, p_proposal uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
DECLARE
  v_org uuid := app.current_org();
  v_row reconciliation_breaks;
  v_hostel uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('proposal:' || p_proposal, 0)); -- as app.write_proposal
  IF EXISTS (SELECT FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id AND proposal_id = p_proposal) THEN
    RETURN p_proposal; -- sent twice
  END IF;
  PERFORM app.lock_break(p_id, 'create');
  SELECT * INTO v_row FROM reconciliation_breaks WHERE org_id = v_org AND id = p_id;
  v_hostel := coalesce(v_row.hostel_id, p_hostel);
  IF v_hostel IS NULL OR NOT app.allowed_in('wallet', 'create', v_hostel) OR NOT EXISTS (SELECT FROM hostels WHERE org_id = v_org AND id = v_hostel) THEN
    RAISE EXCEPTION 'Please choose a hostel.' USING ERRCODE = 'VR422', COLUMN = 'hostel';
  ELSIF v_row.amount_paise = 0 THEN
    RAISE EXCEPTION 'There is nothing to book about this break.' USING ERRCODE = 'VR409';
  ELSIF p_kind NOT IN ('write_off', 'adjustment') OR p_kind = 'write_off' AND v_row.amount_paise < 0 THEN
    RAISE EXCEPTION 'Only what is missing can be written off: correct the books instead.' USING ERRCODE = 'VR409';
  END IF;
  IF v_row.hostel_id IS NULL THEN
    UPDATE settlement_lines SET hostel_id = v_hostel WHERE org_id = v_org AND id = v_row.line_id AND transaction_id IS NULL;
    PERFORM app.book_line(v_row.line_id);
    IF NOT EXISTS (SELECT FROM settlement_lines WHERE org_id = v_org AND id = v_row.line_id AND transaction_id IS NOT NULL) THEN
      RAISE EXCEPTION 'This hostel keeps its books in another currency.' USING ERRCODE = 'VR409';
    END IF;
  END IF;
  UPDATE reconciliation_breaks SET hostel_id = v_hostel,
    proposal_id = app.write_proposal(v_hostel, p_kind, NULL, v_row.gateway, v_row.amount_paise, p_reason, 'reconciliation_breaks', p_id, p_proposal)
  WHERE org_id = v_org AND id = p_id;
  RETURN p_proposal;
END
$$;

--: definer
CREATE FUNCTION app.follow_break_proposal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.source = 'reconciliation_breaks' AND NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.org_id = app.current_org() THEN
    UPDATE reconciliation_breaks SET status = CASE NEW.kind WHEN 'write_off' THEN 'written_off' ELSE 'corrected' END, closed_at = app.now(),
      closed_by = app.current_user_id(), note = NEW.reason
    WHERE org_id = NEW.org_id AND id = NEW.source_id AND status = 'open';
  END IF;
  RETURN NULL;
END
$$;

-- Looked into, where there is nothing to book.
--: definer; execute: portal_admin
CREATE FUNCTION app.resolve_break(p_id uuid, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  PERFORM app.lock_break(p_id, 'approve');
  PERFORM app.assert_reason(p_note);
  UPDATE reconciliation_breaks SET status = 'resolved', closed_at = app.now(), closed_by = app.current_user_id(), note = left(btrim(p_note), 500)
  WHERE org_id = app.current_org() AND id = p_id AND (amount_paise = 0 OR cause = 'clearing_differs');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Money is missing or too much here: match it, write it off or correct the books.' USING ERRCODE = 'VR409';
  END IF;
END
$$;
