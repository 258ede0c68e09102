package javax.annotation;

/** The one class that generated Java clients need and the generator's own archive does not have. */
public @interface Generated {
    String value();

    String date() default "";

    String comments() default "";
}
