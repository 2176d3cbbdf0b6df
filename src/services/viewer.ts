/** Who asks. Services take it as their first argument, and act for its tenant only. */
export interface Viewer {
  tenantId: string;
  /** The name under which what the viewer does is recorded, for example as `validatedBy`. */
  subject: string;
}
