using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace RawWs.Tests.Support;

/// <summary>A case of a test that takes minutes: it exists only where <c>RAWWS_TESTS_LONG=1</c>, as in <c>./test.sh --long</c>.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class LongCaseAttribute : TestCaseAttribute, ITestBuilder
{
    public LongCaseAttribute(params object[] arguments) : base(arguments) => Category = "Long";

    IEnumerable<TestMethod> ITestBuilder.BuildFrom(IMethodInfo method, Test? suite) =>
        LongRun.IsWanted ? BuildFrom(method, suite) : [];
}
