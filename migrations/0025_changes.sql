-- Whoever looks is told what was changed by hand, so that what he sees is asked for anew. What becomes of jobs has its own,
-- numbered events.
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('mystic_changes', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER images_tell_change AFTER DELETE OR UPDATE OF rating, favourite, binned_at ON images
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change();
-- What jobs make and tag is told by their events already.
CREATE TRIGGER images_tell_import AFTER INSERT ON images
    FOR EACH ROW WHEN (NEW.origin = 'import') EXECUTE FUNCTION tell_change();
CREATE TRIGGER image_tags_tell_change AFTER INSERT ON image_tags
    FOR EACH ROW WHEN (NEW.source = 'user') EXECUTE FUNCTION tell_change();
CREATE TRIGGER image_tags_tell_removal AFTER DELETE ON image_tags FOR EACH ROW EXECUTE FUNCTION tell_change();
CREATE TRIGGER jobs_tell_change AFTER DELETE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION tell_change();
CREATE TRIGGER pauses_tell_change AFTER INSERT OR UPDATE OR DELETE ON pauses
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change();
CREATE TRIGGER presets_tell_change AFTER INSERT OR UPDATE OR DELETE ON presets
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change();
CREATE TRIGGER prompt_templates_tell_change AFTER INSERT OR UPDATE OR DELETE ON prompt_templates
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change();
