/**
 * The pattern of a stored report's name: the name of a module, or of a built-in report, which may
 * have a parameter, as in `by:header:x-tenant`.
 */
export const reportNamePattern = "[a-z][a-z0-9-]{0,31}(?::[!#$%&'*+.^_`|~0-9a-z-]{1,64}){0,2}";
