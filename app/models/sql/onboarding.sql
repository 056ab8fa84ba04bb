-- What a newcomer types, chooses and submits; a person who is forgotten is forgotten here too.

--: definer
CREATE FUNCTION app.forget_onboarding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, app, pg_temp AS $$
BEGIN
  IF NEW.destroyed_at IS NULL OR OLD.destroyed_at IS NOT NULL THEN
    RETURN NULL;
  END IF;
  DELETE FROM onboarding_drafts WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  DELETE FROM resident_preferences WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  DELETE FROM kyc_records WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  UPDATE onboarding_submissions SET answers = '{}', reason = '' WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  UPDATE submission_flags SET reason = '' WHERE org_id = NEW.org_id AND user_id = NEW.user_id;
  RETURN NULL;
END
$$;
