/** Whether `mixed(n)` is one of the long ones. */
export declare function isLong(n: number): boolean
