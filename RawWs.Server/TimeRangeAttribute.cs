using System.ComponentModel.DataAnnotations;

namespace RawWs.Server;

/// <summary>Demands a time from five milliseconds, which a timer can still keep, to one day.</summary>
/// <remarks><see cref="RangeAttribute"/> finds the type's comparison by reflection, which trimming forbids.</remarks>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TimeRangeAttribute() : ValidationAttribute("{0} must be from 5 milliseconds to one day.")
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public override bool IsValid(object? value) => value is TimeSpan time && time >= Shortest && time <= Longest;
}
